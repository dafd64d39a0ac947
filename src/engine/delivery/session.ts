/**
 * One connection to a next hop: its handshake, its time-outs, its end. Mail goes over it by `Transfer`.
 *
 * Runs in:   engine threads, as the receiver of its connection's events.
 * Specs:     RFC 5321 §3.1, §4.2.1 (421), §4.5.3.2 (time-outs); RFC 3207 (STARTTLS); RFC 7672 §3.2 (DANE).
 * Limits:    a time-out per phase (`limits.ts`), looked at by the site's tick; replies as `ReplyReader` bounds them.
 * Invariant: `onEnd` is the last call to the owner, and comes exactly once.
 */

import { assert } from '../../base/assert.ts';
import { latin1 } from '../../base/bytes.ts';
import { daneFault } from '../../mail/trust/dane.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import { ReplyReader } from '../../mail/wire/smtp/reply-reader.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Connection, ConnectionEvents, DialError, TlsFacts } from '../../ports/dialer.ts';
import type { Capabilities } from './capabilities.ts';
import type { HandshakeOptions, HandshakeStep } from './handshake.ts';
import { Handshake } from './handshake.ts';
import type { Dane } from './host-tls.ts';
import type { PhaseTimeouts, SiteLimits } from './limits.ts';
import type { Departure } from './message.ts';
import { ownReply } from './message.ts';
import type { PathTls, SessionTls } from './tls-sessions.ts';
import type { Transaction } from './transaction.ts';
import type { SessionEnd, TransferLine, TransferOwner } from './transfer.ts';
import { Transfer } from './transfer.ts';

export interface SessionOwner extends TransferOwner {
  /** The connection is ready for its first message. */
  onReady(session: Session): void;
  /** Nothing is in transfer any more: `send` may be called. */
  onIdle(session: Session): void;
  /** It has idled enough and says QUIT: `send` must not be called any more. */
  onQuit(session: Session): void;
  /** Last call of a session. */
  onEnd(session: Session, end: SessionEnd): void;
}

export interface SessionOptions {
  readonly host: string;
  readonly address: string;
  readonly handshake: HandshakeOptions;
  /** Its address is the connection's. */
  readonly departure: Omit<Departure, 'egress'>;
  /** The certificate must fit these records. */
  readonly dane?: Dane;
  readonly clock: Clock;
  readonly timeouts: PhaseTimeouts;
  readonly limits: SiteLimits;
  /** Absent: how TLS goes is not counted. */
  readonly tls?: PathTls | undefined;
  /** The thread's coarse clock: good for time-outs, costs nothing to read. */
  readonly coarse: { readonly nowMs: number };
}

type State = 'handshake' | 'mail' | 'quit' | 'ended';

const quitCommand = latin1('QUIT\r\n');
const lostReply = ownReply(451, '4.4.2', 'Connection to the next hop was lost');
const closedByUsReply = ownReply(421, '4.4.2', 'Connection to the next hop was ended');

export class Session implements ConnectionEvents, TransferLine {
  readonly #owner: SessionOwner;
  readonly #options: SessionOptions;
  readonly #reader = new ReplyReader();
  readonly #handshake: Handshake;
  readonly #tls: SessionTls | undefined;
  #connection: Connection | undefined;
  #transfer: Transfer | undefined;
  #state: State = 'handshake';
  /** On the coarse clock: when the phase under way has taken too long, or the connection has idled enough. */
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(owner: SessionOwner, options: SessionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#handshake = new Handshake(options.handshake);
    this.#tls = options.tls?.session(options.host, options.address);
  }

  get host(): string {
    return this.#options.host;
  }

  /** Messages that were begun over it. */
  get messageCount(): number {
    return this.#transfer?.messageCount ?? 0;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    this.expectWithin(this.#options.timeouts.greetingMs);
  }

  /** Only while idle. `hasIdled`: it was so for a while. */
  send(transaction: Transaction, hasIdled = false): void {
    assert(this.#isIdle, 'a message is sent over an idle connection');
    this.#tls?.carries(transaction.domain);
    this.#transfer!.start(transaction, hasIdled);
  }

  /** Ends an idle connection as the protocol has it. */
  quit(): void {
    if (!this.#isIdle) return;
    this.#state = 'quit';
    this.expectWithin(this.#options.timeouts.quitMs);
    this.write([quitCommand]);
  }

  /** Ends the connection now; what was in transfer is lost or deferred. */
  abort(): void {
    this.fail(closedByUsReply);
  }

  /** To be called now and then with the coarse clock. */
  onTick(nowMs: number): void {
    if (this.#state === 'ended' || nowMs < this.#deadlineMs) return;
    if (this.#isIdle) {
      this.quit();
      this.#owner.onQuit(this);
    } else {
      const phase = this.#state === 'mail' ? this.#transfer!.waits : this.#state;
      this.fail(ownReply(451, '4.4.2', `Next hop did not answer in time (${phase})`));
    }
  }

  // As the receiver of its connection's events.

  onData(bytes: Uint8Array): void {
    if (this.#state === 'ended') return;
    const reader = this.#reader;
    reader.feed(bytes);
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
      this.#onReply(reply);
      // `#onReply` changes the state behind the compiler's back.
      if ((this.#state as State) === 'ended') return;
    }
    if (reader.fault !== undefined) {
      this.fail(ownReply(451, '4.5.0', `Next hop does not speak SMTP (${reader.fault})`));
    }
  }

  onDrain(): void {
    if (this.#state !== 'ended') this.#transfer?.onDrain();
  }

  onClose(fault?: DialError): void {
    if (this.#state === 'ended') return;
    const reply = fault === undefined ? lostReply : faultReply(fault);
    const tls = fault?.fault === 'tls';
    this.#end({ reply, isOurs: true, tls, isLost: !tls });
  }

  // As the line of its transfer.

  write(pieces: readonly Uint8Array[]): boolean {
    return this.#connection!.write(pieces);
  }

  expectWithin(ms: number): void {
    this.#deadlineMs = this.#options.coarse.nowMs + ms;
  }

  fail(reply: Reply): void {
    if (this.#state !== 'ended') this.#end({ reply, isOurs: true, tls: false });
  }

  onDone(): void {
    this.expectWithin(this.#options.limits.idleMsMax);
    if (this.#transfer!.isExhausted) this.quit();
    else this.#owner.onIdle(this);
  }

  get #isIdle(): boolean {
    return this.#state === 'mail' && this.#transfer!.waits === 'nothing';
  }

  #onReply(reply: Reply): void {
    if (this.#state === 'mail') {
      // RFC 5321 §4.2.1: 421 may answer any command; the peer closes then.
      if (reply.code === 421) this.#endedByPeer(reply);
      else this.#transfer!.onReply(reply);
    } else if (this.#state === 'handshake') {
      this.#step(this.#handshake.onReply(reply));
    } else {
      this.fail(closedByUsReply);
    }
  }

  #step(step: HandshakeStep): void {
    if (this.#handshake.isTlsRefused) {
      this.#tls?.failed(this.#connection!.localAddress, '', 'starttls-not-supported');
    }
    switch (step.do) {
      case 'send':
        this.expectWithin(this.#options.timeouts[step.timeout]);
        this.write([latin1(step.line)]);
        break;
      case 'start-tls':
        void this.#startTls();
        break;
      case 'ready':
        this.#onReady(step.capabilities);
        break;
      case 'fail':
        this.#end({ reply: step.reply, isOurs: step.isOurs, tls: false });
    }
  }

  async #startTls(): Promise<void> {
    // RFC 3207 §4.2: what came in clear behind the 220 was injected, or is a bug as bad.
    if (this.#reader.hasRest) {
      this.#failTls('bytes before TLS');
      return;
    }
    const { handshake, host, timeouts, dane } = this.#options;
    this.expectWithin(timeouts.tlsMs);
    let fault: string | undefined;
    try {
      const facts = await this.#connection!.startTls({
        serverName: dane?.serverName ?? host,
        verify: handshake.tls === 'verified',
        wantsChain: dane !== undefined,
        timeoutMs: timeouts.tlsMs,
      });
      fault = this.#daneFault(facts);
      const unverified = facts.verified ? '' : (facts.fault ?? 'not verified');
      this.#tls?.secured(this.#connection!.localAddress, unverified);
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
    }
    if ((this.#state as State) === 'ended') return;
    if (fault !== undefined) {
      this.#failTls(fault);
      return;
    }
    this.#reader.reset();
    this.#step(this.#handshake.onEncrypted());
  }

  #failTls(fault: string): void {
    this.#tls?.failed(this.#connection!.localAddress, fault);
    this.#end({ reply: tlsFailedReply(fault), isOurs: true, tls: true });
  }

  #daneFault({ chain = [] }: TlsFacts): string | undefined {
    const { dane, clock } = this.#options;
    if (dane === undefined) return undefined;
    const fault = daneFault(dane.records, chain, dane.names, clock.nowMs());
    return fault === undefined ? undefined : `DANE: ${fault}`;
  }

  #onReady(capabilities: Capabilities): void {
    const { host, address, departure, timeouts, limits, clock } = this.#options;
    const hop = {
      ...{ host, address, passesDsn: capabilities.hasDsn },
      passesDeliverBy: capabilities.deliverBySecondsMin !== undefined,
      departure: { ...departure, egress: this.#connection!.localAddress },
    };
    const owner = this.#owner;
    const options = { owner, line: this, hop, capabilities, timeouts, limits, clock };
    this.#transfer = new Transfer(options);
    this.#state = 'mail';
    this.expectWithin(limits.idleMsMax);
    owner.onReady(this);
  }

  #endedByPeer(reply: Reply): void {
    this.#end({ reply, isOurs: false, tls: false, wasIdle: this.#isIdle });
  }

  #end(end: SessionEnd): void {
    if (this.#state === 'handshake') this.#tls?.brokeOff();
    this.#state = 'ended';
    this.#connection?.destroy();
    this.#transfer?.end(end);
    this.#owner.onEnd(this, end);
  }
}

function faultReply({ fault, message }: DialError): Reply {
  if (fault === 'tls') return tlsFailedReply(message);
  return ownReply(451, '4.4.2', `Connection lost: ${message}`);
}

function tlsFailedReply(detail: string): Reply {
  return ownReply(451, '4.7.5', `TLS with the next hop failed: ${detail}`);
}
