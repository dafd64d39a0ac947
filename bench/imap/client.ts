/**
 * An IMAP client that costs next to nothing: it sends what it is told to, and looks only for the line that ends it.
 *
 * Runs in:   bench. RFC 9051 §2.2.1: a tagged response is a line's beginning; tags here are such as no mail has.
 * Limits:    `keptBytesMax` of the last answer are kept where they are asked for; an answer that does not come ends
 *            the run after `answerMsMax`.
 */

import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const keptBytesMax = 4 * 1024 * 1024;
const readBytes = 256 * 1024;
const answerMsMax = 900_000;
const newline = 0x0a;

export interface Answered {
  /** From the first octet sent to the last one read. */
  readonly ms: number;
  readonly bytes: number;
  /** What came, where it was to be kept. */
  readonly text: string;
}

export interface SayOptions {
  readonly keeps?: boolean;
}

interface Waiting {
  readonly tag: string;
  readonly keeps: boolean;
  readonly done: (status: string) => void;
  readonly failed: (error: Error) => void;
}

export class RawClient {
  readonly #socket: Socket;
  /** The line that has begun. */
  #line: Buffer = Buffer.alloc(0);
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;
  #tags = 0;
  #waiting: Waiting | undefined;
  #heard: (() => void) | undefined;

  private constructor(port: number, hasTls: boolean) {
    const chunk = Buffer.allocUnsafeSlow(readBytes);
    const onread = {
      buffer: chunk,
      callback: (count: number) => {
        this.#read(chunk.subarray(0, count));
        return true;
      },
    };
    const options = { port, host: '127.0.0.1', noDelay: true, onread };
    this.#socket = hasTls
      ? connectTls({ ...options, rejectUnauthorized: false })
      : connect(options);
    const lost = (error?: Error) => {
      this.#waiting?.failed(error ?? new Error('the server closed the connection'));
    };
    this.#socket.on('error', lost);
    this.#socket.on('close', () => lost());
  }

  /** Connected, and greeted. */
  static connect(port: number, hasTls: boolean): Promise<RawClient> {
    const client = new RawClient(port, hasTls);
    return new Promise((resolve, reject) => {
      client.#heard = () => resolve(client);
      client.#socket.once('error', reject);
    });
  }

  /** One command. @throws where it is not answered by OK */
  say(command: string | Buffer, options: SayOptions = {}): Promise<Answered> {
    return this.sayAll([command], options);
  }

  /** Several commands in one go; timed until the last one's answer. */
  async sayAll(
    commands: readonly (string | Buffer)[],
    { keeps = false }: SayOptions = {},
  ): Promise<Answered> {
    const pieces: Buffer[] = [];
    let tag = '';
    for (const command of commands) {
      tag = `zq${++this.#tags}x`;
      pieces.push(Buffer.from(`${tag} `), Buffer.from(command as string), Buffer.from('\r\n'));
    }
    const octets = Buffer.concat(pieces);
    this.#bytes = 0;
    this.#kept = [];
    this.#keptBytes = 0;
    const beganMs = performance.now();
    const status = await this.#exchange(octets, tag, keeps);
    const ms = performance.now() - beganMs;
    if (!status.startsWith('OK')) {
      throw new Error(`${String(commands.at(-1)).slice(0, 200)}: ${status}`);
    }
    return { ms, bytes: this.#bytes, text: Buffer.concat(this.#kept).toString('latin1') };
  }

  #exchange(octets: Buffer, tag: string, keeps: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${tag}`)), answerMsMax);
      const settle = () => {
        clearTimeout(timer);
        this.#waiting = undefined;
      };
      this.#waiting = {
        tag: `${tag} `,
        keeps,
        done: (status) => {
          settle();
          resolve(status);
        },
        failed: (error) => {
          settle();
          reject(error);
        },
      };
      this.#socket.write(octets);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const waiting = this.#waiting;
    if (waiting?.keeps === true && this.#keptBytes < keptBytesMax) {
      this.#kept.push(Buffer.from(chunk));
      this.#keptBytes += chunk.length;
    }
    const isWhole = chunk.at(-1) === newline;
    // The last line that ended, or the one that has begun.
    const before = chunk.lastIndexOf(newline, isWhole ? -2 : -1);
    const tail = chunk.subarray(before + 1);
    const line = before < 0 && this.#line.length > 0 ? Buffer.concat([this.#line, tail]) : tail;
    if (!isWhole) {
      // The socket writes over the chunk.
      this.#line = Buffer.from(line);
      return;
    }
    this.#line = Buffer.alloc(0);
    this.#heard?.();
    this.#heard = undefined;
    if (waiting === undefined) return;
    const text = line.toString('latin1', 0, 400);
    if (text.startsWith(waiting.tag)) waiting.done(text.slice(waiting.tag.length).trimEnd());
  }
}
