/**
 * A small IMAP client that reads: lists mailboxes, opens them without changing anything, fetches all of their messages.
 *
 * Runs in:   ledger.
 * Specs:     RFC 9051 §6.2 (STARTTLS, LOGIN), §6.3.3 (EXAMINE), §6.3.9 (LIST), §6.4.5 (BODY.PEEK); RFC 6154 (\All).
 * Limits:    one command at a time, `replyMsMax` of silence; those of `ResponsePieces`.
 * Invariant: nothing is changed over there: mailboxes are opened for reading only, and nothing becomes \Seen.
 */

import type { Buffer } from 'node:buffer';
import { parseDate } from '../../mail/formats/date/parse.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionOptions,
  Connections,
} from '../load/connection.ts';
import { quoted } from '../load/imap/steps.ts';
import type { Credentials } from '../load/smtp/authentication.ts';
import { type Response, ResponsePieces, type ResponseReceiver } from './response-pieces.ts';

const replyMsMax = 60_000;
/** Messages asked for at once: others may come while they are read. */
const rangeCountMax = 500;
const shownChars = 200;

export interface MailboxMessage {
  readonly uid: number;
  /** The internal date: whole seconds. */
  readonly internalMs: number;
  readonly bytes: Buffer;
  /** There is more of it than is kept. */
  readonly isCut: boolean;
}

interface Waiting {
  readonly tag: string;
  readonly onUntagged: (response: Response) => void;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

export class MailboxClient implements ConnectionEvents, ResponseReceiver {
  readonly #connection: Connection;
  readonly #pieces = new ResponsePieces(this);
  readonly #secured = Promise.withResolvers<void>();
  #waiting: Waiting | undefined;
  #tagCount = 0;
  #exists = 0;
  #end: Error | undefined;

  private constructor(options: ConnectionOptions, clock: Clock) {
    // Nobody may be waiting for it.
    this.#secured.promise.catch(() => {});
    this.#connection = new Connections(options, clock, replyMsMax).open(this);
  }

  /** Logged in; throws a sentence when the server says no. */
  static async open(
    options: ConnectionOptions,
    { user, password }: Credentials,
    clock: Clock,
  ): Promise<MailboxClient> {
    const client = new MailboxClient(options, clock);
    try {
      const greeting = await client.#greeting();
      const isKnown = /^\* PREAUTH\b/i.test(greeting);
      if (!isKnown && !/^\* OK\b/i.test(greeting)) throw new Error(`it says ${greeting}`);
      if (options.tls === 'starttls') await client.#startTls(isKnown);
      if (!isKnown) await client.#command(`LOGIN ${quoted(user)} ${quoted(password)}`);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Mailboxes that hold messages of their own, as names are written in commands. */
  async list(): Promise<readonly string[]> {
    const names: string[] = [];
    await this.#command('LIST "" "*"', ({ text, literals }) => {
      const match = /^\* LIST \(([^)]*)\) (?:NIL|"(?:\\.|[^"])*") (.*)$/i.exec(text);
      if (match === null) return;
      const [, flags = '', name = ''] = match;
      // Views of other mailboxes would show every message twice.
      if (/\\(?:Noselect|NonExistent|All|Flagged)\b/i.test(flags)) return;
      names.push(name === '{0}' ? quoted(literals[0]!.bytes.toString('utf8')) : name);
    });
    return names;
  }

  /** Opens a mailbox; answers its UIDVALIDITY. `name` as `list` gives it, or `quoted`. */
  async examine(name: string): Promise<number> {
    let uidValidity = 0;
    this.#exists = 0;
    await this.#command(`EXAMINE ${name}`, ({ text }) => {
      uidValidity = Number(/^\* OK \[UIDVALIDITY (\d+)\]/i.exec(text)?.[1] ?? uidValidity);
    });
    return uidValidity;
  }

  /** All messages of the open mailbox, those included that come meanwhile. */
  async fetchAll(onMessage: (message: MailboxMessage) => void): Promise<void> {
    for (let first = 1; first <= this.#exists; first += rangeCountMax) {
      // RFC 9051 §7.5.1: numbers stay what they are as long as nothing but FETCH is said.
      const last = Math.min(this.#exists, first + rangeCountMax - 1);
      await this.#command(`FETCH ${first}:${last} (UID INTERNALDATE BODY.PEEK[])`, (response) => {
        const message = messageOf(response);
        if (message !== undefined) onMessage(message);
      });
    }
  }

  async logout(): Promise<void> {
    this.#connection.expectClose('done');
    await this.#command('LOGOUT').catch(() => {});
    this.close();
  }

  close(): void {
    this.#connection.destroy();
  }

  onConnect(): void {}

  onSecure(): void {
    this.#secured.resolve();
  }

  onBytes(bytes: Buffer, count: number): void {
    this.#pieces.push(bytes.subarray(0, count));
  }

  onResponse(response: Response): void {
    const { text } = response;
    this.#exists = Number(/^\* (\d{1,10}) EXISTS\b/i.exec(text)?.[1] ?? this.#exists);
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (!text.startsWith(`${waiting.tag} `)) {
      waiting.onUntagged(response);
      return;
    }
    this.#waiting = undefined;
    this.#connection.rest();
    const answer = text.slice(waiting.tag.length + 1);
    if (/^OK\b/i.test(answer)) waiting.resolve(answer);
    else waiting.reject(new Error(`it says ${answer.slice(0, shownChars)}`));
  }

  onOverlong(): void {
    this.#connection.destroy('a line without end');
  }

  onClose(detail: string): void {
    this.#end = new Error(detail);
    this.#secured.reject(this.#end);
    this.#waiting?.reject(this.#end);
    this.#waiting = undefined;
  }

  #greeting(): Promise<string> {
    return new Promise((resolve, reject) => {
      const onUntagged = ({ text }: Response) => {
        this.#waiting = undefined;
        resolve(text.slice(0, shownChars));
      };
      this.#waiting = { tag: '*none', onUntagged, resolve, reject };
    });
  }

  async #startTls(isKnown: boolean): Promise<void> {
    // RFC 9051 §11.1: one who is greeted as known cannot begin TLS any more.
    if (isKnown) throw new Error('it offers no STARTTLS: it greets with PREAUTH');
    await this.#command('STARTTLS', undefined, () => {
      this.#pieces.stop();
      this.#connection.secure();
    });
    await this.#secured.promise;
  }

  /** `onDone` runs before anything that follows the answer is read. */
  #command(
    text: string,
    onUntagged: (response: Response) => void = () => {},
    onDone: () => void = () => {},
  ): Promise<string> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const tag = `c${++this.#tagCount}`;
    return new Promise((resolve, reject) => {
      const done = (answer: string) => {
        onDone();
        resolve(answer);
      };
      this.#waiting = { tag, onUntagged, resolve: done, reject };
      this.#connection.write(`${tag} ${text}\r\n`);
    });
  }
}

/** Items come in any order, the body as a literal. */
function messageOf({ text, literals }: Response): MailboxMessage | undefined {
  const uid = /[( ]UID (\d{1,10})\b/i.exec(text)?.[1];
  const date = /[( ]INTERNALDATE "([^"]*)"/i.exec(text)?.[1];
  const body = /[( ]BODY\[\] ~?\{(\d+)\}/i.exec(text)?.[1];
  const literal = body === undefined ? undefined : literals[Number(body)];
  if (!/^\* \d+ FETCH /i.test(text) || uid === undefined || literal === undefined) return undefined;
  const internalMs = parseDate(date ?? '')?.epochMs ?? 0;
  return { uid: Number(uid), internalMs, ...literal };
}
