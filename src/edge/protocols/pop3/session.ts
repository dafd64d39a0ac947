/**
 * One POP3 session: what is its own besides running commands one at a time (`session/serial-session.ts`).
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 1939 §3-6; RFC 2449 §6.6 (PIPELINING); RFC 2595 §4.
 * Limits:    `Pop3Limits`. While a command runs about `unreadBytesMax` octets wait here.
 * Invariant: a session that ends without QUIT has deleted nothing.
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import type { Pop3Ask } from '../../../actors/asks/pop3-asks.ts';
import { latin1 } from '../../../base/bytes.ts';
import { type CommandLine, parseLine } from '../../../mail/wire/pop3/parse.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { AskOptions } from '../session/account-asks.ts';
import { LineReader } from '../session/line-reader.ts';
import { SerialSession } from '../session/serial-session.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import type { CommandSession, Pop3State } from './command.ts';
import { respond } from './commands/log-in.ts';
import { commands } from './commands/table.ts';
import type { Maildrop } from './maildrop.ts';
import { bad, lineOf, no, ok, type Reply } from './replies.ts';
import type { Pop3Service } from './service.ts';

/** RFC 1939 §3: without a word, and without the UPDATE state. */
const lastWords = {
  tooManyErrors: no('Too many errors'),
  failed: no('The server failed', 'SYS/PERM'),
  tooLong: undefined,
  goingDown: undefined,
};

export class Pop3Session extends SerialSession<Pop3Service, Reply> implements CommandSession {
  drop: Maildrop | undefined;
  user = '';

  readonly #lines = new LineReader();
  /** What came and was not read yet; the first of them from `#at` on. */
  #chunks: Buffer[] = [];
  #at = 0;
  #unreadBytes = 0;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: Pop3Service,
    transport: SessionTransport,
    address: string,
    tls?: TlsSessionFacts,
  ) {
    super(service, transport, address, tls, lastWords);
  }

  /** Sends the greeting: without a timestamp, as there is no APOP. */
  open(): void {
    this.say(ok(`${this.service.policy.hostname} ready`));
  }

  ask(name: Pop3Ask, meta: unknown, options?: AskOptions): Promise<Answer> {
    return this.service.asks.ask(this.account!, name, meta, options);
  }

  loggedIn(who: LoggedIn, drop: Maildrop): void {
    this.drop = drop;
    this.admit(who);
  }

  /** RFC 1939 §3: without a word, and without the UPDATE state; a command that runs is cut off. */
  accessEnded(): void {
    if (this.isBusy) this.cut();
    else this.bye();
  }

  protected keep(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#unreadBytes += chunk.byteLength;
  }

  protected get hasTooMuch(): boolean {
    return this.#unreadBytes > this.service.policy.limits.unreadBytesMax;
  }

  protected runNext(): boolean {
    const { lineBytesMax } = this.service.policy.limits;
    while (this.#chunks.length > 0) {
      const chunk = this.#chunks[0]!;
      const at = this.#lines.read(chunk, this.#at, lineBytesMax);
      this.#unreadBytes -= at - this.#at;
      this.#at = at;
      if (at >= chunk.length) {
        this.#chunks.shift();
        this.#at = 0;
      }
      if (this.#lines.finding !== 'none') {
        this.#found();
        return true;
      }
    }
    return false;
  }

  #found() {
    const { finding } = this.#lines;
    this.pace.tookTurn();
    this.pace.ran();
    const { exchange } = this;
    this.exchange = undefined;
    if (finding === 'too-long') return this.finish(bad('The line is too long'));
    const { from, to } = this.#lines;
    const octets = this.#lines.take();
    if (finding === 'bare-newline') return this.finish(bad('Lines end in CR LF'));
    if (exchange === undefined) return this.#command(parseLine(octets, from, to));
    this.take(respond(this, exchange, octets.toString('latin1', from, to)));
  }

  #command({ verb, rest }: CommandLine) {
    const command = commands.get(verb);
    const { observer, name } = this.service;
    observer.command(name, command?.name ?? 'unknown');
    if (command === undefined) return this.finish(bad('Unknown command'));
    if (!command.states.includes(this.#state)) return this.finish(bad('Not in this state'));
    const argument = command.parse(rest);
    if (argument === undefined) return this.finish(bad('The arguments make no sense'));
    this.take(command.run(this, argument as never));
  }

  get #state(): Pop3State {
    return this.account === undefined ? 'early' : 'transaction';
  }

  protected say(reply: Reply): void {
    this.send(latin1(lineOf(reply)));
  }

  /** RFC 2595 §4: what was learned in clear is forgotten. */
  protected secured(): void {
    this.user = '';
  }

  protected forget(): void {
    this.#chunks = [];
    this.#at = 0;
    this.#unreadBytes = 0;
    this.#lines.clear();
  }
}
