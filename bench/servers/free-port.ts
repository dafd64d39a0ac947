/**
 * Ports nobody listens on, and waiting until somebody does.
 *
 * Runs in: bench and crash runs.
 */

import { type AddressInfo, createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Resolves when a server on `port` greets, in the words of SMTP, LMTP or IMAP; gives up once it is
 * not alive.
 */
export async function untilGreets(
  port: number,
  timeoutMs: number,
  isAlive: () => boolean = () => true,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await greets(port))) {
    if (!isAlive() || performance.now() > deadlineMs)
      throw new Error(`nothing greets on port ${port}`);
    await sleep(20);
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('data', (chunk) => finish(/^(220|\* OK) /.test(chunk.toString('latin1'))));
  });
}
