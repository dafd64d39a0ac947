/**
 * The wires of the simulated Internet: a dialer whose connections end in the sink's own SMTP sessions.
 *
 * Limits:    a connection takes `bufferBytesMax` that its peer has not read before it says that it is full.
 * Invariant: bytes arrive in their order, each after its way; what was written before a connection ended still
 *            arrives, answers to one that has ended do not: whoever was on that way is told by `Witness.answered`.
 */

import { Buffer } from 'node:buffer';
import type { Fault } from '../../../src/harness/sink/fault-source.ts';
import { Visit } from '../../../src/harness/sink/fault-source.ts';
import type { FaultPoint } from '../../../src/harness/sink/model.ts';
import { SinkSession } from '../../../src/harness/sink/sink-session.ts';
import type { SinkMessage } from '../../../src/harness/sink/sink-wire.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type {
  Connection,
  ConnectionEvents,
  Dialer,
  DialTarget,
  TlsFacts,
  TlsRequest,
} from '../../../src/ports/dialer.ts';
import { DialError } from '../../../src/ports/dialer.ts';
import type { Random } from '../../../src/ports/random.ts';
import { hostOf, type Provider } from './providers.ts';

const ourAddress = '198.51.100.25';
const bufferBytesMax = 64 * 1_024;
/** A peer that hangs in TLS is given up after the time-out asked for; one that breaks it says so at once. */
const handshakeTrips = 2;

/** Who sees what happens at the peers. */
export interface Witness {
  opened(provider: Provider): void;
  closed(provider: Provider): void;
  /** A transaction was begun for this sender. */
  begun(provider: Provider, sender: string): void;
  /** A recipient, or a message with these recipients, was refused for good. */
  refused(recipients: readonly string[]): void;
  taken(provider: Provider, message: SinkMessage): void;
  /** Whether the 250 for a message that was taken came to us. */
  answered(message: SinkMessage, isHeard: boolean): void;
}

export interface NetworkOptions {
  readonly providers: readonly Provider[];
  readonly clock: Clock;
  readonly random: Random;
  readonly witness: Witness;
}

export class Network implements Dialer {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  async dial(target: DialTarget, events: ConnectionEvents): Promise<Connection> {
    const { providers, clock, witness } = this.#options;
    const provider = providers[hostOf(target.address).provider]!;
    witness.opened(provider);
    const nowMs = clock.monotonicMs();
    const isAway = nowMs >= provider.awayFromMs && nowMs < provider.awayToMs;
    await wait(clock, isAway ? target.timeoutMs : 2 * provider.oneWayMs);
    if (isAway) {
      witness.closed(provider);
      throw new DialError('timed-out', target.address);
    }
    return new Wire(provider, target, events, this.#options);
  }
}

class Wire implements Connection {
  readonly remoteAddress: string;
  readonly localAddress = ourAddress;
  readonly #provider: Provider;
  readonly #events: ConnectionEvents;
  readonly #options: NetworkOptions;
  readonly #visit: Visit;
  readonly #session: SinkSession;
  /** Not read yet by the peer: it is slow. */
  readonly #unread: Buffer[] = [];
  #writtenBytes = 0;
  #isFull = false;
  #isResting = false;
  #bytesPerSecond = 0;
  /** Taken by the peer, their answers not yet written. */
  #taken: SinkMessage[] = [];
  #isClosed = false;
  #isCut = false;

  constructor(
    provider: Provider,
    target: DialTarget,
    events: ConnectionEvents,
    options: NetworkOptions,
  ) {
    this.#provider = provider;
    this.#events = events;
    this.#options = options;
    this.remoteAddress = target.address;
    this.#visit = new SeenVisit(provider, options.witness);
    const { hasTls, hasChunking, hosts } = provider;
    const hostName = hosts[hostOf(target.address).host]!;
    this.#session = new SinkSession(
      {
        send: (text) => this.#answer(text),
        end: () => this.#cut(),
        reset: () => this.#cut('reset'),
        slow: (bytesPerSecond) => {
          this.#bytesPerSecond = bytesPerSecond;
        },
        startTls: () => {},
        later: (delayMs, run) => void options.clock.setTimer(delayMs, run),
        arrived: (message) => this.#arrived(message),
      },
      { hostName, lmtp: false, chunking: hasChunking, starttls: hasTls },
      this.#visit,
    );
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed) return true;
    const bytes = Buffer.concat(parts);
    this.#writtenBytes += bytes.length;
    this.#isFull = this.#writtenBytes > bufferBytesMax;
    this.#onItsWay(() => this.#receive(bytes));
    return !this.#isFull;
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#close();
    this.#onItsWay(() => this.#visit.leave());
    queueMicrotask(() => this.#events.onClose());
  }

  async startTls({ timeoutMs }: TlsRequest): Promise<TlsFacts> {
    const { isTlsBroken, oneWayMs } = this.#provider;
    const { random, clock } = this.#options;
    const isStalled = isTlsBroken && random.fraction() < 0.3;
    await wait(clock, isStalled ? timeoutMs : 2 * handshakeTrips * oneWayMs);
    if (isTlsBroken) throw new DialError('tls', isStalled ? 'timed out' : 'handshake failure');
    if (this.#isClosed) throw new DialError('reset', 'closed in the handshake');
    this.#session.secured();
    return { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', verified: false };
  }

  #receive(bytes: Buffer): void {
    this.#unread.push(bytes);
    this.#read();
  }

  #read(): void {
    while (!this.#isResting && this.#unread.length > 0) {
      const bytes = this.#unread.shift()!;
      this.#writtenBytes -= bytes.length;
      if (!this.#isCut) this.#session.receive(bytes);
      if (this.#bytesPerSecond > 0) this.#rest((bytes.length / this.#bytesPerSecond) * 1_000);
    }
    if (!this.#isFull || this.#writtenBytes > bufferBytesMax / 2) return;
    this.#isFull = false;
    this.#onItsWay(() => {
      if (!this.#isClosed) this.#events.onDrain();
    });
  }

  #rest(ms: number): void {
    this.#isResting = true;
    this.#options.clock.setTimer(ms, () => {
      this.#isResting = false;
      this.#read();
    });
  }

  #arrived(message: SinkMessage): void {
    const { witness, random } = this.#options;
    witness.taken(this.#provider, message);
    const { lostAnswerShare } = this.#provider;
    if (lostAnswerShare > 0 && random.fraction() < lostAnswerShare) {
      witness.answered(message, false);
      this.#cut('reset');
    } else this.#taken.push(message);
  }

  #answer(text: string): void {
    if (this.#isCut) return;
    const answered = this.#taken;
    this.#taken = [];
    const bytes = Buffer.from(text, 'latin1');
    this.#onItsWay(() => {
      const { witness } = this.#options;
      for (const message of answered) witness.answered(message, !this.#isClosed);
      if (!this.#isClosed) this.#events.onData(bytes);
    });
  }

  /** The peer ends the connection; what it said before comes first. */
  #cut(fault?: 'reset'): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#visit.leave();
    for (const message of this.#taken) this.#options.witness.answered(message, false);
    this.#taken = [];
    this.#onItsWay(() => {
      if (this.#isClosed) return;
      this.#close();
      this.#events.onClose(fault === undefined ? undefined : new DialError(fault, 'by the peer'));
    });
  }

  #close(): void {
    this.#isClosed = true;
    this.#options.witness.closed(this.#provider);
  }

  #onItsWay(run: () => void): void {
    this.#options.clock.setTimer(this.#provider.oneWayMs, run);
  }
}

/** A visit whose steps the witness sees. */
class SeenVisit extends Visit {
  readonly #provider: Provider;
  readonly #witness: Witness;
  #recipients: string[] = [];

  constructor(provider: Provider, witness: Witness) {
    super(provider.faults, ourAddress, 0);
    this.#provider = provider;
    this.#witness = witness;
  }

  override get isWatched(): boolean {
    return true;
  }

  override strike(at: FaultPoint, sender = '', recipient = '', bytes = 0): Fault | undefined {
    if (at === 'mail') {
      this.#recipients = [];
      this.#witness.begun(this.#provider, sender);
    }
    const fault = super.strike(at, sender, recipient, bytes);
    const isRefusal = fault?.reply?.startsWith('5') === true;
    if (at === 'rcpt') {
      if (isRefusal) this.#witness.refused([recipient]);
      else this.#recipients.push(recipient);
    } else if (isRefusal && (at === 'message' || at === 'mail')) {
      this.#witness.refused(this.#recipients);
    }
    return fault;
  }
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve);
  });
}
