/**
 * A client of line protocols that says what it is told and keeps what it hears, line by line.
 *
 * Every wait ends after `waitMsMax` with what came until then.
 */

import { connect, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { compressed } from './compressed.ts';

const waitMsMax = 5_000;

export class WireClient {
  #socket: Duplex;
  #text = '';
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Duplex) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** A client, and the end of its line for a session in the same process. */
  static inMemory(): { client: WireClient; far: Duplex } {
    const [near, far] = duplexPair();
    return { client: new WireClient(near), far };
  }

  static connect(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const client = new WireClient(socket);
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  send(octets: Buffer): void {
    this.#socket.write(octets);
  }

  /** The next line without its CRLF; undefined when the server closed first. */
  async line(): Promise<string | undefined> {
    await this.#until(() => this.#text.includes('\r\n') || this.#isClosed, 'a line');
    const end = this.#text.indexOf('\r\n');
    if (end < 0) return undefined;
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    return line;
  }

  /** Resolves when the server ended the connection; answers what was left unread. */
  async closed(): Promise<string> {
    await this.#until(() => this.#isClosed, 'the end');
    return this.#text;
  }

  async startTls(): Promise<void> {
    const plain = this.#socket as Socket;
    plain.removeAllListeners();
    plain.on('error', () => {});
    const secure = connectTls({ socket: plain, rejectUnauthorized: false });
    this.#socket = secure;
    this.#listen(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
      const closed = () => reject(new Error('closed in the handshake'));
      secure.once('close', closed);
      // A socket that was closed before is never heard of again.
      plain.once('close', closed);
      if (plain.destroyed) closed();
    });
  }

  /** What is said and heard from now on is compressed (RFC 4978). */
  compress(): void {
    this.#socket = compressed(this.#socket);
    this.#listen(this.#socket);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Duplex): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('utf8');
      this.#wake();
    });
    socket.on('error', () => {});
    const close = () => {
      this.#isClosed = true;
      this.#wake();
    };
    socket.on('close', close);
    socket.on('end', close);
  }

  async #until(isMet: () => boolean, what: string): Promise<void> {
    const start = performance.now();
    while (!isMet()) {
      const leftMs = waitMsMax - (performance.now() - start);
      if (leftMs <= 0)
        throw new Error(`waited in vain for ${what}; heard: ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
