/**
 * One LMTP connection that hands in one message at a time.
 *
 * Runs in: bench.
 */

import { connect, type Socket } from 'node:net';

export class Deliverer {
  readonly #socket: Socket;
  #answered: (line: string) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#answered(chunk.toString('latin1')));
  }

  static async connect(port: number): Promise<Deliverer> {
    const deliverer = new Deliverer(connect({ port, host: '127.0.0.1', noDelay: true }));
    await deliverer.#answer();
    await deliverer.#say('LHLO bench.test');
    return deliverer;
  }

  /** Resolves with the instant the message's end was sent, by `performance.now`, once it is accepted. */
  async deliver(to: string): Promise<number> {
    await this.#say('MAIL FROM:<sender@far.test>');
    await this.#say(`RCPT TO:<${to}>`);
    await this.#say('DATA');
    const sentMs = performance.now();
    await this.#say(`From: s@far.test\r\nTo: ${to}\r\nSubject: News\r\n\r\nText.\r\n.`);
    return sentMs;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #say(line: string): Promise<void> {
    const answer = this.#answer();
    this.#socket.write(`${line}\r\n`);
    await answer;
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = (line) => {
        if (/^[45]/.test(line)) reject(new Error(`delivery: ${line.trim()}`));
        else resolve();
      };
    });
  }
}
