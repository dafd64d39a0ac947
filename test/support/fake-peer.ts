/**
 * A dialer whose connections end in the test: what was written is read as text, what the peer says is given.
 *
 * Invariant: nothing happens by itself; each event comes when the test says so.
 */

import { Buffer } from 'node:buffer';
import type {
  Connection,
  ConnectionEvents,
  Dialer,
  DialFault,
  DialTarget,
  TlsRequest,
} from '../../src/ports/dialer.ts';
import { DialError } from '../../src/ports/dialer.ts';

export class FakePeer implements Connection {
  readonly target: DialTarget;
  readonly remoteAddress: string;
  readonly localAddress = '192.0.2.250';
  /** Calls of `write` since the last `take`. */
  writes = 0;
  hasRoom = true;
  isDestroyed = false;
  tls: TlsRequest | undefined;
  tlsFault: string | undefined;
  readonly #events: ConnectionEvents;
  #written: Buffer[] = [];
  #isClosed = false;

  constructor(target: DialTarget, events: ConnectionEvents) {
    this.target = target;
    this.remoteAddress = target.address;
    this.#events = events;
  }

  /** What was written since the last call. */
  take(): string {
    const text = Buffer.concat(this.#written).toString('latin1');
    this.#written = [];
    this.writes = 0;
    return text;
  }

  say(text: string): void {
    this.#events.onData(Buffer.from(text, 'latin1'));
  }

  drain(): void {
    this.#events.onDrain();
  }

  hangUp(fault?: DialFault): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClose(fault === undefined ? undefined : new DialError(fault, 'by the test'));
  }

  write(parts: readonly Uint8Array[]): boolean {
    this.writes++;
    // A copy at once: the sender may reuse its bytes.
    for (const part of parts) this.#written.push(Buffer.from(part));
    return this.hasRoom;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}

  async startTls(request: TlsRequest) {
    this.tls = request;
    if (this.tlsFault !== undefined) throw new DialError('tls', this.tlsFault);
    return { version: 'TLSv1.3', cipher: 'test', verified: request.verify };
  }

  destroy(): void {
    this.isDestroyed = true;
    queueMicrotask(() => this.hangUp());
  }
}

export class FakeDialer implements Dialer {
  /** Every connection made, in order. */
  readonly peers: FakePeer[] = [];
  /** Addresses that cannot be reached, and how it shows. */
  readonly unreachable = new Map<string, DialFault>();
  /** As `unreachable`, by all that is known of the target. */
  failsBy: (target: DialTarget) => DialFault | undefined = () => undefined;
  dials = 0;

  async dial(target: DialTarget, events: ConnectionEvents): Promise<Connection> {
    this.dials++;
    const fault = this.unreachable.get(target.address) ?? this.failsBy(target);
    if (fault !== undefined) throw new DialError(fault, target.address);
    const peer = new FakePeer(target, events);
    this.peers.push(peer);
    return peer;
  }
}

/** Lets promises run that are ready. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
