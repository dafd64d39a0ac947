/**
 * A client that logs in, selects INBOX and idles, small enough that ten thousand fit into one process.
 *
 * Runs in: bench.
 */

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface IdlerOptions {
  readonly port: number;
  readonly isTls: boolean;
  readonly user: string;
  readonly password: string;
  /** EXISTS came; `nowMs` by `performance.now`. */
  readonly told: (nowMs: number) => void;
}

/** What it says, and the beginning of the answer it waits for first. */
const lines = (user: string, password: string) => [
  ['* OK', `a LOGIN ${user} ${password}`],
  ['a OK', 'b SELECT INBOX'],
  ['b OK', 'c IDLE'],
];

/** Resolves once it idles. */
export function startIdler(options: IdlerOptions): Promise<Socket> {
  const { port, isTls, user, password, told } = options;
  const host = '127.0.0.1';
  const socket = isTls
    ? connectTls({ port, host, rejectUnauthorized: false })
    : connect({ port, host, noDelay: true });
  return new Promise((resolve, reject) => {
    const steps = lines(user, password);
    const failed = (why: string) => reject(new Error(`an idler of ${user}: ${why}`));
    const closed = () => failed('the server hung up');
    let heard = '';
    socket.once('error', (error) => failed(error.message));
    socket.once('close', closed);
    const enter = (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (!heard.endsWith('\r\n')) return;
      if (/^(?:[abc] (?:NO|BAD)|\* BYE)/m.test(heard)) return failed(heard);
      const [wanted, line] = steps[0] ?? ['+ ', ''];
      if (!`\n${heard}`.includes(`\n${wanted}`)) return;
      heard = '';
      if (steps.shift() !== undefined) {
        socket.write(`${line}\r\n`);
        return;
      }
      socket.off('data', enter);
      socket.off('close', closed);
      socket.on('data', (news: Buffer) => {
        if (news.includes(' EXISTS\r\n')) told(performance.now());
      });
      resolve(socket);
    };
    socket.on('data', enter);
  });
}
