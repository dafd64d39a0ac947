/**
 * A connection that asks a line and reads the answer's last line, for log-ins and deliveries one after another.
 *
 * Runs in: bench.
 */

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

export class Line {
  readonly #socket: Socket;
  #text = '';
  #waiting: { isLast: RegExp; resolve(line: string): void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
      this.#look();
    });
    // An answer that never comes: whoever waits for it learns so.
    socket.on('close', () => this.#end('closed'));
    socket.on('error', (error) => this.#end(String(error)));
  }

  static async open(port: number, greeting: RegExp): Promise<Line> {
    const socket = createConnection({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const line = new Line(socket);
    await line.#read(greeting);
    return line;
  }

  /** The first line of the answer that `isLast`. */
  ask(text: string, isLast: RegExp): Promise<string> {
    const answer = this.#read(isLast);
    this.#socket.write(text, 'latin1');
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(isLast: RegExp): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting = { isLast, resolve };
      this.#look();
    });
  }

  #look(): void {
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end < 0 || this.#waiting === undefined) return;
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      if (!this.#waiting.isLast.test(line)) continue;
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve(line);
    }
  }

  #end(why: string): void {
    this.#waiting?.resolve(why);
    this.#waiting = undefined;
  }
}
