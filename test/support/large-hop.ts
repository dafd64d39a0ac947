/**
 * A next hop that takes messages of any size, by DATA or BDAT, and keeps their SHA-256 and length.
 *
 * Runs in: tests. No dot is unstuffed: what was sent is what is hashed, the end of data left out.
 */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

export interface LargeMessage {
  readonly bytes: number;
  /** Without the fields our server put on top: from the first `from:` field on. */
  readonly text: Buffer;
  readonly sha256: string;
}

const endOfData = Buffer.from('\r\n.\r\n');

export class LargeHop implements AsyncDisposable {
  readonly messages: LargeMessage[] = [];
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #hasChunking: boolean;

  constructor(hasChunking: boolean) {
    this.#hasChunking = hasChunking;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as { port: number }).port;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.write('220 large.test ESMTP\r\n');
    let mode: 'command' | 'data' | 'chunk' = 'command';
    let left = 0;
    let pending = Buffer.alloc(0);
    let text: Buffer[] = [];
    let tail = Buffer.alloc(0);
    const take = (bytes: Buffer) => {
      this.#keep(bytes);
      mode = 'command';
      text = [];
      tail = Buffer.alloc(0);
      socket.write('250 2.0.0 Taken\r\n');
    };
    socket.on('data', (chunk) => {
      let at = 0;
      while (at < chunk.length) {
        if (mode === 'chunk') {
          const part = chunk.subarray(at, at + left);
          at += part.length;
          left -= part.length;
          text.push(part);
          if (left === 0) take(Buffer.concat(text));
        } else if (mode === 'data') {
          const joined = Buffer.concat([tail, chunk.subarray(at)]);
          const end = joined.indexOf(endOfData);
          if (end < 0) {
            text.push(chunk.subarray(at));
            tail = joined.subarray(-4);
            return;
          }
          const length = end + endOfData.length - tail.length;
          text.push(chunk.subarray(at, at + length));
          at += length;
          take(Buffer.concat(text).subarray(0, -3));
        } else {
          const end = chunk.indexOf('\n', at);
          const line = end < 0 ? chunk.subarray(at) : chunk.subarray(at, end + 1);
          at += line.length;
          pending = Buffer.concat([pending, line]);
          if (end < 0) return;
          const command = pending.toString('latin1').trim().toUpperCase();
          pending = Buffer.alloc(0);
          if (command.startsWith('EHLO')) {
            const chunking = this.#hasChunking ? '250-CHUNKING\r\n' : '';
            socket.write(`250-large.test\r\n250-PIPELINING\r\n${chunking}250 8BITMIME\r\n`);
          } else if (command === 'DATA') {
            socket.write('354 Go on\r\n');
            mode = 'data';
          } else if (command.startsWith('BDAT')) {
            mode = 'chunk';
            left = Number(command.split(' ')[1]);
          } else if (command === 'QUIT') {
            socket.end('221 2.0.0 Bye\r\n');
          } else socket.write('250 2.0.0 Ok\r\n');
        }
      }
    });
  }

  #keep(whole: Buffer): void {
    const text = whole.subarray(whole.indexOf('From: '));
    const sha256 = createHash('sha256').update(text).digest('hex');
    this.messages.push({ bytes: whole.length, text, sha256 });
  }
}
