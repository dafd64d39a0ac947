/**
 * One ManageSieve session: takes octets as they come and runs commands one at a time.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5804 §1.2 and §2.
 * Limits:    `ManageSieveLimits`. While a command runs, about one command's octets wait here; while the client leaves
 *            `unsentBytesMax` unread nothing more is run. One turn runs `turnCommandsMax`, one minute
 *            `commandsPerMinuteMax`.
 * Invariant: each command gets one response, in order.
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import { kibibyte, minuteMs } from '../../../base/units.ts';
import { CommandReader, type Finding } from '../../../mail/wire/managesieve/reader.ts';
import { type Response, responseLine } from '../../../mail/wire/managesieve/response.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import type { AskOptions } from '../session/account-asks.ts';
import { Output } from '../session/output.ts';
import { TimeOuts } from '../session/time-outs.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import { Unsent } from '../session/unsent.ts';
import { capabilityLines } from './capabilities.ts';
import { bad, type CommandEnd, type CommandSession, isSaid } from './command.ts';
import { commands } from './commands.ts';
import type { ManageSieveLimits } from './limits.ts';
import { respond } from './log-in.ts';
import { tooLarge } from './scripts.ts';
import type { ManageSieveService } from './service.ts';

/** What one turn runs at most: others have sessions too. */
const turnCommandsMax = 100;
/** Before log-in: answers to challenges, no scripts. */
const earlyLiteralBytesMax = 4 * kibibyte;

function earlyLimits(limits: ManageSieveLimits): ManageSieveLimits {
  const most = earlyLiteralBytesMax;
  return { ...limits, literalBytesMax: Math.min(limits.literalBytesMax, most), skipBytesMax: most };
}

type Phase = 'open' | 'handshake' | 'ended';

export class ManageSieveSession implements CommandSession {
  readonly service: ManageSieveService;
  readonly peerAddress: string;
  account: Account | undefined;
  admission: Admission | undefined;
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;

  readonly #transport: SessionTransport;
  readonly #output: Output;
  readonly #reader: CommandReader;
  readonly #timeOuts: TimeOuts;
  readonly #unsent: Unsent;
  #tls: TlsSessionFacts | undefined;
  #phase: Phase = 'open';
  /** A command runs. */
  #isBusy = false;
  #isReadingPaused = false;
  #commandsLeft = turnCommandsMax;
  #minuteMs: number;
  #minuteCommands = 0;
  #errorCount = 0;
  #exchange: SaslExchange | undefined;
  #after: 'end' | 'tls' | undefined;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: ManageSieveService,
    transport: SessionTransport,
    address: string,
    tls?: TlsSessionFacts,
  ) {
    this.service = service;
    this.peerAddress = address;
    this.#transport = transport;
    this.#output = new Output(transport);
    this.#unsent = new Unsent(service);
    this.#reader = new CommandReader(earlyLimits(service.policy.limits));
    this.#tls = tls;
    this.#timeOuts = new TimeOuts(service.tickMs);
    this.#minuteMs = service.tickMs;
  }

  open(): void {
    this.#greet();
  }

  receive(chunk: Buffer): void {
    this.#timeOuts.heardMs = this.service.tickMs;
    // What comes between STARTTLS and its handshake is dropped (RFC 5804 §2.2).
    if (this.#phase !== 'open') return;
    this.#reader.push(chunk);
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
    else if (timeOut !== undefined) this.#bye('Too long without a word');
  }

  /** Going down: ends at once, or with the command that runs. */
  drain(): void {
    if (this.#phase === 'open' && !this.#isBusy) this.#bye('Going down', 'TRYLATER');
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

  ask(name: string, meta: unknown, options?: AskOptions): Promise<Answer> {
    return this.service.asks.ask(this.account!, name, meta, options);
  }

  loggedIn({ account, admission }: LoggedIn): void {
    this.account = account;
    this.admission = admission;
    this.#reader.limits = this.service.policy.limits;
    this.service.logIn.live?.enter(this);
  }

  loggedOut(): void {
    this.service.logIn.live?.leave(this);
    this.account = undefined;
    this.admission = undefined;
    this.#reader.limits = earlyLimits(this.service.policy.limits);
    this.#timeOuts.beginAnew(this.service.tickMs);
  }

  accessEnded(): void {
    this.#bye('You are logged out');
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

  get #isTooBusy(): boolean {
    const { commandsPerMinuteMax } = this.service.policy.limits;
    return commandsPerMinuteMax > 0 && this.#minuteCommands >= commandsPerMinuteMax;
  }

  #mustWait(): boolean {
    return this.#unsent.mustWait(this.#transport.unsentBytes);
  }

  #pump(): void {
    while (this.#phase === 'open' && !this.#isBusy) {
      if (this.#mustWait() || this.#isTooBusy) break;
      if (this.#commandsLeft <= 0) {
        this.#isBusy = true;
        setImmediate(() => this.#goOn());
        break;
      }
      const finding = this.#reader.next();
      if (finding === undefined) break;
      this.#commandsLeft--;
      this.#minuteCommands++;
      this.#found(finding);
    }
    this.#balanceReading();
  }

  #found(finding: Finding): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    switch (finding.kind) {
      case 'fatal':
        this.#bye(finding.words);
        return;
      case 'bad':
        this.#finish(bad(finding.words));
        return;
      case 'too-large':
        this.#finish(this.account === undefined ? bad('That is too large') : tooLarge);
        return;
      case 'string':
        if (exchange === undefined) this.#finish(bad('A command begins with its name'));
        else this.#take(respond(this, exchange, finding.octets));
        return;
      case 'command':
        if (exchange === undefined) this.#command(finding);
        // RFC 5804 §2.1: the answer to a challenge is a string.
        else this.#finish(bad('The response is a string'));
    }
  }

  #command({ verb, args }: Extract<Finding, { readonly kind: 'command' }>): void {
    const command = commands.get(verb);
    const { observer, name } = this.service;
    observer.command(name, command?.name ?? 'unknown');
    const state = this.account === undefined ? 'early' : 'authenticated';
    if (command === undefined) this.#finish(bad('There is no such command'));
    else if (command.states.includes(state)) this.#take(command.run(this, args));
    else this.#finish(bad(state === 'early' ? 'Log in first' : 'Not after log-in'));
  }

  #goOn(): void {
    this.#isBusy = false;
    this.#commandsLeft = turnCommandsMax;
    if (this.service.isDraining) this.drain();
    this.#pump();
  }

  #take(end: CommandEnd | Promise<CommandEnd>): void {
    if (!(end instanceof Promise)) {
      this.#finish(end);
      return;
    }
    this.#isBusy = true;
    end.then((ended) => {
      this.#finish(ended);
      this.#goOn();
    }, this.failed);
  }

  #finish(end: CommandEnd): void {
    if (this.#phase !== 'open' || end === isSaid) return;
    const isLast =
      end.isError === true && ++this.#errorCount > this.service.policy.limits.errorsMax;
    if (isLast) {
      this.#bye('Too many errors');
      return;
    }
    this.#say(end);
    if (this.#after === 'end') this.#end();
    else if (this.#after === 'tls') this.#handshake();
  }

  #say(response: Response): void {
    this.send(responseLine(response));
  }

  /** RFC 5804 §1.8 and §2.2: capabilities, and OK. */
  #greet(): void {
    this.send(capabilityLines(this));
    this.#say({ status: 'OK', words: `${this.service.policy.hostname} ready` });
  }

  #handshake(): void {
    this.#after = undefined;
    const before = this.#output.take();
    this.#phase = 'handshake';
    this.#reader.clear();
    this.#transport.startTls(before, (facts) => {
      this.#tls = facts;
      this.#timeOuts.heardMs = this.service.tickMs;
      this.#phase = 'open';
      this.#greet();
    });
  }

  #bye(words: string, code?: string): void {
    this.#say({ status: 'BYE', words, ...(code === undefined ? {} : { code }) });
    this.#end();
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
    if (this.#phase === 'open') this.#bye('The server failed', 'TRYLATER');
  };

  /** Reads on while what waits here is little and the client reads as well. */
  #balanceReading(): void {
    if (this.#phase !== 'open') return;
    const isTooMuch = this.#mustWait() || this.#reader.isFull;
    if (isTooMuch === this.#isReadingPaused) return;
    this.#isReadingPaused = isTooMuch;
    if (isTooMuch) {
      this.#unsent.watch(this.#transport.unsentBytes);
      this.#transport.pause();
    } else this.#transport.resume();
  }

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
    this.destroy();
    this.closed();
  }

  #letGo(): void {
    this.service.logIn.live?.leave(this);
    this.#reader.clear();
    this.#exchange = undefined;
    this.#unsent.end();
    this.#output.drained();
  }
}
