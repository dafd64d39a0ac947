/**
 * One POP3 session: takes octets as they come and runs commands one at a time.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 1939 §3-6; RFC 2449 §6.6 (PIPELINING); RFC 2595 §4.
 * Limits:    `Pop3Limits`. While a command runs about `unreadBytesMax` octets wait here; while the client leaves
 *            `unsentBytesMax` unread nothing more is asked for. One turn runs `turnCommandsMax`, one minute
 *            `commandsPerMinuteMax`.
 * Invariant: each command gets one reply, in order. A session that ends without QUIT has deleted nothing.
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import type { Pop3Ask } from '../../../actors/asks/pop3-asks.ts';
import { latin1 } from '../../../base/bytes.ts';
import { minuteMs } from '../../../base/units.ts';
import { type CommandLine, parseLine } from '../../../mail/wire/pop3/parse.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import type { AskOptions } from '../session/account-asks.ts';
import { LineReader } from '../session/line-reader.ts';
import { Output } from '../session/output.ts';
import { TimeOuts } from '../session/time-outs.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import { Unsent } from '../session/unsent.ts';
import { type CommandEnd, type CommandSession, isSaid, type Pop3State } from './command.ts';
import { respond } from './commands/log-in.ts';
import { commands } from './commands/table.ts';
import type { Maildrop } from './maildrop.ts';
import { bad, lineOf, no, ok, type Reply } from './replies.ts';
import type { Pop3Service } from './service.ts';

/** What one turn runs at most: others have sessions too. */
const turnCommandsMax = 100;
type Phase = 'open' | 'handshake' | 'ended';

export class Pop3Session implements CommandSession {
  readonly service: Pop3Service;
  readonly peerAddress: string;
  account: Account | undefined;
  admission: Admission | undefined;
  drop: Maildrop | undefined;
  user = '';
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;

  readonly #transport: SessionTransport;
  readonly #output: Output;
  readonly #lines = new LineReader();
  readonly #timeOuts: TimeOuts;
  #tls: TlsSessionFacts | undefined;
  #phase: Phase = 'open';
  /** What came and was not read yet; the first of them from `#at` on. */
  #chunks: Buffer[] = [];
  #at = 0;
  #unreadBytes = 0;
  /** A command runs. */
  #isBusy = false;
  #isReadingPaused = false;
  #commandsLeft = turnCommandsMax;
  #minuteMs: number;
  #minuteCommands = 0;
  #errorCount = 0;
  readonly #unsent: Unsent;
  #exchange: SaslExchange | undefined;
  #after: 'end' | 'tls' | undefined;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: Pop3Service,
    transport: SessionTransport,
    address: string,
    tls?: TlsSessionFacts,
  ) {
    this.service = service;
    this.peerAddress = address;
    this.#transport = transport;
    this.#output = new Output(transport);
    this.#unsent = new Unsent(service);
    this.#tls = tls;
    this.#timeOuts = new TimeOuts(service.tickMs);
    this.#minuteMs = service.tickMs;
  }

  /** Sends the greeting: without a timestamp, as there is no APOP. */
  open(): void {
    this.#say(ok(`${this.service.policy.hostname} ready`));
  }

  receive(chunk: Buffer): void {
    this.#timeOuts.heardMs = this.service.tickMs;
    // What comes between STLS and its handshake is dropped (RFC 2595 §4).
    if (this.#phase !== 'open') return;
    this.#chunks.push(chunk);
    this.#unreadBytes += chunk.byteLength;
    this.#commandsLeft = turnCommandsMax;
    this.#pump();
  }

  /** The client has read what we wrote. */
  drained(): void {
    this.#output.drained();
    this.#pump();
  }

  /** The connection is gone. */
  closed(): void {
    this.#phase = 'ended';
    this.#letGo();
  }

  /** Called by the listener's sweep with coarse time. */
  sweep(nowMs: number): void {
    if (this.#phase !== 'open') return;
    this.#sweepUnsent(nowMs);
    this.#sweepMinute(nowMs);
    const facts = {
      isLoggedIn: this.account !== undefined,
      isBusy: this.#isBusy,
      isIdling: false,
      unsentBytes: this.#transport.unsentBytes,
    };
    const timeOut = this.#timeOuts.check(nowMs, facts, this.service.policy.limits);
    if (timeOut === 'stalled') this.#cutOff('stalled');
    // RFC 1939 §3: without a word, and without the UPDATE state.
    else if (timeOut !== undefined) this.#end();
  }

  /** Going down: ends at once, or with the command that runs. Nobody expects a word here. */
  drain(): void {
    if (this.#phase === 'open' && !this.#isBusy) this.#end();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  get tls(): TlsSessionFacts | undefined {
    return this.#tls;
  }

  get mayLogIn(): boolean {
    return this.#tls !== undefined || this.service.policy.clearNetworks.has(this.peerAddress);
  }

  get canStartTls(): boolean {
    return this.#tls === undefined && this.#transport.canStartTls;
  }

  get isEnded(): boolean {
    return this.#phase === 'ended';
  }

  send(octets: Uint8Array): void {
    if (this.#phase !== 'open') return;
    this.#timeOuts.spokeMs = this.service.tickMs;
    this.#unsent.sent(octets.byteLength);
    this.#output.add(octets);
  }

  room(): Promise<void> | undefined {
    this.#output.flush();
    return this.#mustWait() ? this.#output.wait() : undefined;
  }

  ask(name: Pop3Ask, meta: unknown, options?: AskOptions): Promise<Answer> {
    return this.service.asks.ask(this.account!, name, meta, options);
  }

  loggedIn({ account, admission }: LoggedIn, drop: Maildrop): void {
    this.account = account;
    this.admission = admission;
    this.drop = drop;
    this.service.logIn.live?.enter(this);
  }

  /** RFC 1939 §3: without a word, and without the UPDATE state; a command that runs is cut off. */
  accessEnded(): void {
    if (this.#isBusy) this.cut();
    else this.#end();
  }

  expectResponse(exchange: SaslExchange): void {
    this.#exchange = exchange;
  }

  startTls(): void {
    this.#after = 'tls';
  }

  end(): void {
    this.#after = 'end';
  }

  cut(): void {
    this.destroy();
    this.closed();
  }

  #mustWait(): boolean {
    return this.#unsent.mustWait(this.#transport.unsentBytes);
  }

  get #isTooBusy(): boolean {
    const { commandsPerMinuteMax } = this.service.policy.limits;
    return commandsPerMinuteMax > 0 && this.#minuteCommands >= commandsPerMinuteMax;
  }

  #pump(): void {
    const { lineBytesMax } = this.service.policy.limits;
    while (this.#phase === 'open' && !this.#isBusy && this.#chunks.length > 0) {
      if (this.#mustWait() || this.#isTooBusy) break;
      if (this.#commandsLeft <= 0) {
        this.#isBusy = true;
        setImmediate(() => this.#goOn());
        break;
      }
      const chunk = this.#chunks[0]!;
      const at = this.#lines.read(chunk, this.#at, lineBytesMax);
      this.#unreadBytes -= at - this.#at;
      this.#at = at;
      if (at >= chunk.length) {
        this.#chunks.shift();
        this.#at = 0;
      }
      this.#found();
    }
    this.#balanceReading();
  }

  #found() {
    const { finding } = this.#lines;
    if (finding === 'none') return;
    this.#commandsLeft--;
    this.#minuteCommands++;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (finding === 'too-long') return this.#finish(bad('The line is too long'));
    const { from, to } = this.#lines;
    const octets = this.#lines.take();
    if (finding === 'bare-newline') return this.#finish(bad('Lines end in CR LF'));
    if (exchange === undefined) return this.#command(parseLine(octets, from, to));
    this.#take(respond(this, exchange, octets.toString('latin1', from, to)));
  }

  #goOn(): void {
    this.#isBusy = false;
    this.#commandsLeft = turnCommandsMax;
    if (this.service.isDraining) this.drain();
    this.#pump();
  }

  /** Reads on while what waits here is little and the client reads as well. */
  #balanceReading(): void {
    if (this.#phase !== 'open') return;
    const { unreadBytesMax } = this.service.policy.limits;
    const isTooMuch = this.#mustWait() || this.#unreadBytes > unreadBytesMax;
    if (isTooMuch === this.#isReadingPaused) return;
    this.#isReadingPaused = isTooMuch;
    if (isTooMuch) {
      this.#unsent.watch(this.#transport.unsentBytes);
      this.#transport.pause();
    } else this.#transport.resume();
  }

  #command({ verb, rest }: CommandLine) {
    const command = commands.get(verb);
    const { observer, name } = this.service;
    observer.command(name, command?.name ?? 'unknown');
    if (command === undefined) return this.#finish(bad('Unknown command'));
    if (!command.states.includes(this.#state)) return this.#finish(bad('Not in this state'));
    const argument = command.parse(rest);
    if (argument === undefined) return this.#finish(bad('The arguments make no sense'));
    this.#take(command.run(this, argument as never));
  }

  get #state(): Pop3State {
    return this.account === undefined ? 'early' : 'transaction';
  }

  #take(end: CommandEnd | Promise<CommandEnd>) {
    if (!(end instanceof Promise)) return this.#finish(end);
    this.#isBusy = true;
    end.then((ended) => {
      this.#finish(ended);
      this.#goOn();
    }, this.failed);
  }

  #finish(end: CommandEnd): void {
    if (this.#phase !== 'open' || end === isSaid) return;
    const isLast = end.isError && ++this.#errorCount > this.service.policy.limits.errorsMax;
    this.#say(isLast ? no('Too many errors') : end);
    if (isLast || this.#after === 'end') this.#end();
    else if (this.#after === 'tls') this.#handshake();
  }

  #say(reply: Reply): void {
    this.send(latin1(lineOf(reply)));
  }

  #handshake(): void {
    this.#after = undefined;
    const before = this.#output.take();
    this.#phase = 'handshake';
    this.#forget();
    // RFC 2595 §4: what was learned in clear is forgotten.
    this.user = '';
    this.#transport.startTls(before, (facts) => {
      this.#tls = facts;
      this.#timeOuts.heardMs = this.service.tickMs;
      this.#phase = 'open';
    });
  }

  #end(): void {
    if (this.#phase !== 'open') return;
    const last = this.#output.take();
    this.#phase = 'ended';
    this.endedMs = this.service.tickMs;
    this.#letGo();
    this.#transport.end(last);
  }

  /** A bug on the other side of a port: the session cannot know what became of its command. */
  readonly failed = (error: unknown): void => {
    this.service.log.error({ error: String(error) }, 'session failed');
    this.#isBusy = false;
    if (this.#phase !== 'open') return;
    this.#say(no('The server failed', 'SYS/PERM'));
    this.#end();
  };

  #sweepUnsent(nowMs: number): void {
    const reading = this.#unsent.sweep(nowMs, this.#transport.unsentBytes);
    if (reading === 'read') this.drained();
    else if (reading === 'slow') this.#cutOff('slow');
  }

  /** A new minute lets commands run again. */
  #sweepMinute(nowMs: number): void {
    if (nowMs - this.#minuteMs < minuteMs) return;
    const wasTooBusy = this.#isTooBusy;
    this.#minuteMs = nowMs;
    this.#minuteCommands = 0;
    if (wasTooBusy) this.#pump();
  }

  #cutOff(reason: 'stalled' | 'slow'): void {
    const { observer, log, name } = this.service;
    observer.cutOff(name, reason);
    log.info({ peer: this.peerAddress, reason }, 'session cut off');
    this.cut();
  }

  #forget(): void {
    this.#chunks = [];
    this.#at = 0;
    this.#unreadBytes = 0;
    this.#lines.clear();
  }

  #letGo(): void {
    this.service.logIn.live?.leave(this);
    this.#forget();
    this.#exchange = undefined;
    this.#unsent.end();
    this.#output.drained();
  }
}
