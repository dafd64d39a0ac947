/**
 * An IMAP client for tests: says commands, collects what is answered, as values.
 *
 * Every wait ends after `waitMsMax` with what came until then. Responses that nobody asked for yet wait in
 * `unread`, in order.
 */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { compressed } from './compressed.ts';
import { type Response, readResponse, responseEnd } from './imap-values.ts';

const waitMsMax = 20_000;

/** What a command came to: its tagged response, and all untagged ones before it. */
export interface Outcome {
  readonly tagged: Response;
  readonly untagged: readonly Response[];
}

export interface ImapClientOptions {
  /** Send literals without waiting for `+ ` (LITERAL+). */
  readonly isLiteralPlus?: boolean;
}

export class ImapClient {
  readonly unread: Response[] = [];
  isClosed = false;
  #stream: Duplex;
  #bytes: Buffer = Buffer.alloc(0);
  #tags = 0;
  /** What the server said was no IMAP: every wait ends with it. */
  #fault: unknown;
  #wake: () => void = () => {};
  readonly #isLiteralPlus: boolean;

  /** Over anything that carries octets both ways. */
  constructor(stream: Duplex, options: ImapClientOptions = {}) {
    this.#stream = stream;
    this.#isLiteralPlus = options.isLiteralPlus ?? false;
    this.#listen(stream);
  }

  /** Resolves with the connection; the greeting is the first response. */
  static connect(port: number, options: ImapClientOptions = {}): Promise<ImapClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const client = new ImapClient(socket, options);
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  /** A client, and the end of its line for a session in the same process. */
  static inMemory(options: ImapClientOptions = {}): { client: ImapClient; far: Duplex } {
    const [near, far] = duplexPair();
    return { client: new ImapClient(near, options), far };
  }

  /**
   * Says a command and waits for its tagged response. `words` are joined as they stand; a Buffer among them travels
   * as a literal: `run('APPEND INBOX ', message)`.
   */
  async run(...words: readonly (string | Buffer)[]): Promise<Outcome> {
    const tag = await this.start(...words);
    return this.outcome(tag);
  }

  /** Like `run`, and asserts OK. */
  async ok(...words: readonly (string | Buffer)[]): Promise<Outcome> {
    const outcome = await this.run(...words);
    assert.equal(outcome.tagged.name, 'OK', `${String(words[0])}: ${outcome.tagged.raw}`);
    return outcome;
  }

  /** Says a command and answers its tag. Where a literal is refused, the rest stays unsaid. */
  async start(...words: readonly (string | Buffer)[]): Promise<string> {
    const tag = `c${++this.#tags}`;
    let line = Buffer.from(`${tag} `, 'utf8');
    for (const word of words) {
      if (typeof word === 'string') {
        line = Buffer.concat([line, Buffer.from(word, 'utf8')]);
        continue;
      }
      const mark = `{${word.length}${this.#isLiteralPlus ? '+' : ''}}\r\n`;
      line = Buffer.concat([line, Buffer.from(mark)]);
      if (!this.#isLiteralPlus) {
        this.send(line);
        if (!(await this.#mayGoOn(tag))) return tag;
        line = Buffer.alloc(0);
      }
      line = Buffer.concat([line, word]);
    }
    this.send(Buffer.concat([line, Buffer.from('\r\n')]));
    return tag;
  }

  /** Waits for the tagged response of a command that was started. */
  async outcome(tag: string): Promise<Outcome> {
    const isTagged = (response: Response) => response.tag === tag;
    await this.#until(() => this.unread.some(isTagged) || this.isClosed, `the answer to ${tag}`);
    const at = this.unread.findIndex(isTagged);
    assert.ok(at >= 0, `closed before the answer to ${tag}: ${this.#heard()}`);
    const taken = this.unread.splice(0, at + 1);
    return { tagged: taken.pop()!, untagged: taken.filter((response) => response.tag === '*') };
  }

  /** The next response, whatever it is; undefined when the server closed first. */
  async response(): Promise<Response | undefined> {
    await this.#until(() => this.unread.length > 0 || this.isClosed, 'a response');
    return this.unread.shift();
  }

  /** Waits for a response of this name, and drops those before it. */
  async heard(name: string): Promise<Response> {
    const isWanted = (response: Response) => response.name === name;
    await this.#until(() => this.unread.some(isWanted) || this.isClosed, name);
    const at = this.unread.findIndex(isWanted);
    assert.ok(at >= 0, `closed before ${name}`);
    return this.unread.splice(0, at + 1).pop()!;
  }

  /** Begins IDLE; answers its tag for `done`. */
  async idle(): Promise<string> {
    const tag = `c${++this.#tags}`;
    this.send(`${tag} IDLE\r\n`);
    assert.ok(await this.#mayGoOn(tag), `IDLE was refused: ${this.#heard()}`);
    return tag;
  }

  done(tag: string): Promise<Outcome> {
    this.send('DONE\r\n');
    return this.outcome(tag);
  }

  /** Octets as they stand. */
  send(octets: string | Buffer): void {
    this.#stream.write(octets);
  }

  /** After STARTTLS was answered. */
  async startTls(): Promise<void> {
    const plain = this.#stream as Socket;
    plain.removeAllListeners();
    plain.on('error', () => {});
    const secure = connectTls({ socket: plain, rejectUnauthorized: false });
    this.#stream = secure;
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

  /** After COMPRESS was answered. */
  compress(): void {
    this.#stream = compressed(this.#stream);
    this.#listen(this.#stream);
  }

  /** Resolves when the server ended the connection. */
  closed(): Promise<void> {
    return this.#until(() => this.isClosed, 'the end');
  }

  destroy(): void {
    this.#stream.destroy();
  }

  /** False where the command was answered instead of continued. */
  async #mayGoOn(tag: string): Promise<boolean> {
    const isAnswer = (response: Response) => response.tag === '+' || response.tag === tag;
    await this.#until(() => this.unread.some(isAnswer) || this.isClosed, 'a continuation');
    const at = this.unread.findIndex(isAnswer);
    if (at < 0 || this.unread[at]!.tag === tag) return false;
    this.unread.splice(at, 1);
    return true;
  }

  #listen(stream: Duplex): void {
    stream.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      try {
        this.#readAll();
      } catch (error) {
        this.#fault = error;
      }
      this.#wake();
    });
    stream.on('error', () => {});
    const close = () => {
      this.isClosed = true;
      this.#wake();
    };
    stream.on('close', close);
    stream.on('end', close);
  }

  #readAll(): void {
    for (;;) {
      const end = responseEnd(this.#bytes, 0);
      if (end < 0) return;
      this.unread.push(readResponse(this.#bytes.subarray(0, end)));
      this.#bytes = this.#bytes.subarray(end);
    }
  }

  #heard(): string {
    return JSON.stringify([...this.unread.map(({ raw }) => raw), this.#bytes.toString('utf8')]);
  }

  async #until(isMet: () => boolean, what: string): Promise<void> {
    const start = performance.now();
    while (!isMet()) {
      if (this.#fault !== undefined) throw this.#fault;
      const leftMs = waitMsMax - (performance.now() - start);
      if (leftMs <= 0) throw new Error(`waited in vain for ${what}; heard: ${this.#heard()}`);
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
