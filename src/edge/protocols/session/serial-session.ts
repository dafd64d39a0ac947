/**
 * A session that runs commands one at a time, in the order they came: what is the same of it in POP3 and ManageSieve.
 *
 * Runs in:   edge (main thread).
 * Limits:    while a command runs, about as much waits as the protocol's reader lets it; while the client leaves
 *            `unsentBytesMax` unread nothing more is run; one turn and one minute run so many (`command-pace.ts`).
 * Invariant: each command gets one reply, in order. What comes between STARTTLS and its handshake is dropped.
 */

import type { Buffer } from 'node:buffer';
import type { NetworkSet } from '../../../base/networks.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import { CommandPace } from './command-pace.ts';
import { Output } from './output.ts';
import type { SessionService } from './session-service.ts';
import { type TimeLimits, TimeOuts } from './time-outs.ts';
import type { SessionTransport, TlsSessionFacts } from './transport.ts';
import { Unsent } from './unsent.ts';

/** All was said already. */
export const isSaid = 'said';

interface SerialPolicy {
  readonly limits: TimeLimits & {
    readonly unsentBytesMax: number;
    readonly allUnsentBytesMax: number;
    readonly commandsPerMinuteMax: number;
    readonly errorsMax: number;
  };
  readonly clearNetworks: NetworkSet;
}

export interface SerialReply {
  /** The client is at fault: too many of them end the session. */
  readonly isError?: boolean;
}

/** What a session says that ends by itself; undefined: it ends without a word. */
export interface LastWords<Reply> {
  readonly tooManyErrors: Reply;
  readonly failed: Reply;
  readonly tooLong: Reply | undefined;
  readonly goingDown: Reply | undefined;
}

type Phase = 'open' | 'handshake' | 'ended';

export abstract class SerialSession<
  Service extends SessionService<string, SerialPolicy>,
  Reply extends SerialReply,
> {
  readonly service: Service;
  readonly peerAddress: string;
  account: Account | undefined;
  admission: Admission | undefined;
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;

  /** The next thing read is the client's answer to a challenge. */
  protected exchange: SaslExchange | undefined;
  protected readonly pace: CommandPace;
  protected readonly timeOuts: TimeOuts;
  readonly #transport: SessionTransport;
  readonly #output: Output;
  readonly #unsent: Unsent;
  readonly #lastWords: LastWords<Reply>;
  #tls: TlsSessionFacts | undefined;
  #phase: Phase = 'open';
  /** A command runs. */
  #isBusy = false;
  #isReadingPaused = false;
  #errorCount = 0;
  #after: 'end' | 'tls' | undefined;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: Service,
    transport: SessionTransport,
    address: string,
    tls: TlsSessionFacts | undefined,
    lastWords: LastWords<Reply>,
  ) {
    this.service = service;
    this.peerAddress = address;
    this.#transport = transport;
    this.#output = new Output(transport);
    this.#unsent = new Unsent(service);
    this.#tls = tls;
    this.#lastWords = lastWords;
    this.timeOuts = new TimeOuts(service.tickMs);
    this.pace = new CommandPace(service);
  }

  /** Octets that came; they wait here until they are read. */
  protected abstract keep(chunk: Buffer): void;
  /** Reads on and runs what it finds. False: nothing whole is there. */
  protected abstract runNext(): boolean;
  /** More came than is needed before the next command. */
  protected abstract get hasTooMuch(): boolean;
  /** All that came and was not run is forgotten. */
  protected abstract forget(): void;
  protected abstract say(reply: Reply): void;
  /** The handshake is done. */
  protected abstract secured(): void;

  receive(chunk: Buffer): void {
    this.timeOuts.heardMs = this.service.tickMs;
    if (this.#phase !== 'open') return;
    this.keep(chunk);
    this.pace.beginTurn();
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
    if (this.pace.sweep(nowMs)) this.#pump();
    const facts = {
      isLoggedIn: this.account !== undefined,
      isBusy: this.#isBusy,
      isIdling: false,
      unsentBytes: this.#transport.unsentBytes,
    };
    const timeOut = this.timeOuts.check(nowMs, facts, this.service.policy.limits);
    if (timeOut === 'stalled') this.#cutOff('stalled');
    else if (timeOut !== undefined) this.bye(this.#lastWords.tooLong);
  }

  /** Going down: ends at once, or with the command that runs. */
  drain(): void {
    if (this.#phase === 'open' && !this.#isBusy) this.bye(this.#lastWords.goingDown);
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

  protected get isBusy(): boolean {
    return this.#isBusy;
  }

  send(octets: Uint8Array): void {
    if (this.#phase !== 'open') return;
    this.timeOuts.spokeMs = this.service.tickMs;
    this.#unsent.sent(octets.byteLength);
    this.#output.add(octets);
  }

  /** Undefined: there is room for more. Else resolves when the client has read on, or is gone. */
  room(): Promise<void> | undefined {
    this.#output.flush();
    return this.#mustWait() ? this.#output.wait() : undefined;
  }

  protected admit({ account, admission }: LoggedIn): void {
    this.account = account;
    this.admission = admission;
    this.service.logIn.live?.enter(this);
  }

  expectResponse(exchange: SaslExchange): void {
    this.exchange = exchange;
  }

  startTls(): void {
    this.#after = 'tls';
  }

  end(): void {
    this.#after = 'end';
  }

  abstract accessEnded(): void;

  /** The connection ends now, without a word. */
  cut(): void {
    this.destroy();
    this.closed();
  }

  #mustWait(): boolean {
    return this.#unsent.mustWait(this.#transport.unsentBytes);
  }

  #pump(): void {
    while (this.#phase === 'open' && !this.#isBusy) {
      if (this.#mustWait() || this.pace.isTooBusy) break;
      if (this.pace.isTurnOver) {
        this.#isBusy = true;
        setImmediate(() => this.#goOn());
        break;
      }
      if (!this.runNext()) break;
    }
    this.#balanceReading();
  }

  #goOn(): void {
    this.#isBusy = false;
    this.pace.beginTurn();
    if (this.service.isDraining) this.drain();
    this.#pump();
  }

  /** A command's end, or one that comes later: until then no other runs. */
  protected take(end: Reply | typeof isSaid | Promise<Reply | typeof isSaid>): void {
    if (!(end instanceof Promise)) {
      this.finish(end);
      return;
    }
    this.#isBusy = true;
    end.then((ended) => {
      this.finish(ended);
      this.#goOn();
    }, this.failed);
  }

  protected finish(end: Reply | typeof isSaid): void {
    if (this.#phase !== 'open' || end === isSaid) return;
    const isLast =
      end.isError === true && ++this.#errorCount > this.service.policy.limits.errorsMax;
    this.say(isLast ? this.#lastWords.tooManyErrors : end);
    if (isLast || this.#after === 'end') this.bye();
    else if (this.#after === 'tls') this.#handshake();
  }

  #handshake(): void {
    this.#after = undefined;
    const before = this.#output.take();
    this.#phase = 'handshake';
    this.forget();
    this.#transport.startTls(before, (facts) => {
      this.#tls = facts;
      this.timeOuts.heardMs = this.service.tickMs;
      this.#phase = 'open';
      this.secured();
    });
  }

  /** Ends the session, with a last word where there is one. */
  protected bye(word?: Reply): void {
    if (this.#phase !== 'open') return;
    if (word !== undefined) this.say(word);
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
    this.bye(this.#lastWords.failed);
  };

  /** Reads on while what waits here is little and the client reads as well. */
  #balanceReading(): void {
    if (this.#phase !== 'open') return;
    const isTooMuch = this.#mustWait() || this.hasTooMuch;
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

  #cutOff(reason: 'stalled' | 'slow'): void {
    const { observer, log, name } = this.service;
    observer.cutOff(name, reason);
    log.info({ peer: this.peerAddress, reason }, 'session cut off');
    this.cut();
  }

  #letGo(): void {
    this.service.logIn.live?.leave(this);
    this.forget();
    this.exchange = undefined;
    this.#unsent.end();
    this.#output.drained();
  }
}
