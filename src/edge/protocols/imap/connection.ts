/**
 * What a session speaks through: its transport in clear, under TLS or compressed, and what the client leaves unread.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.2.1 (STARTTLS), RFC 4978 (COMPRESS).
 * Limits:    `unsentBytesMax` of one client and `allUnsentBytesMax` of all (`session/unsent.ts`); `compressedSessionsMax`.
 * Invariant: what was said before STARTTLS and COMPRESS leaves as it was said; the answer to them is the last of it.
 */

import type { Buffer } from 'node:buffer';
import { Output } from '../session/output.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import { Unsent } from '../session/unsent.ts';
import { type CompressedSession, Compression } from './compression.ts';
import type { ImapService } from './service.ts';

/** What is to be done once the answer is written. */
export type Turn = 'end' | 'tls' | 'compression';

export interface ConnectedSession extends CompressedSession {
  readonly service: ImapService;
}

export class Connection {
  readonly #session: ConnectedSession;
  readonly #output: Output;
  readonly #unsent: Unsent;
  #transport: SessionTransport;
  #compression: Compression | undefined;
  #tls: TlsSessionFacts | undefined;
  #turn: Turn | undefined;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    session: ConnectedSession,
    transport: SessionTransport,
    tls: TlsSessionFacts | undefined,
  ) {
    this.#session = session;
    this.#transport = transport;
    this.#tls = tls;
    this.#output = new Output(transport);
    this.#unsent = new Unsent(session.service);
  }

  /** Undefined: in clear. */
  get tls(): TlsSessionFacts | undefined {
    return this.#tls;
  }

  get canStartTls(): boolean {
    return this.#tls === undefined && this.#transport.canStartTls;
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes;
  }

  /** The client leaves too much unread. */
  get isFull(): boolean {
    return this.#unsent.isFull(this.#transport.unsentBytes);
  }

  /** The same, and a sweep says when all is read. */
  mustWait(): boolean {
    return this.#unsent.mustWait(this.#transport.unsentBytes);
  }

  /** Octets from the client: `said` gets what they are. */
  receive(chunk: Buffer): void {
    if (this.#compression === undefined) this.#session.said(chunk);
    else this.#compression.receive(chunk);
  }

  send(octets: Uint8Array): void {
    this.#unsent.sent(octets.byteLength);
    this.#output.add(octets);
  }

  /** Undefined: there is room for more. Else resolves when the client has read on, or is gone. */
  room(): Promise<void> | undefined {
    this.#output.flush();
    return this.mustWait() ? this.#output.wait() : undefined;
  }

  /** The client has read on. */
  drained(): void {
    this.#output.drained();
  }

  pauseReading(isPaused: boolean): void {
    if (isPaused) {
      this.#unsent.watch(this.#transport.unsentBytes);
      this.#transport.pause();
    } else this.#transport.resume();
  }

  /** `read`: whoever waited goes on. `slow`: others wait for the room that this client takes. */
  sweep(nowMs: number): 'read' | 'slow' | undefined {
    return this.#unsent.sweep(nowMs, this.#transport.unsentBytes);
  }

  /** The client is silent: lets go of what can be made anew. */
  rest(): void {
    this.#compression?.rest();
  }

  /** `hasMore`: what the client said next is here already, and was not compressed. */
  compress(hasMore: boolean): 'begun' | 'active' | 'full' | 'too-early' {
    if (this.#compression !== undefined) return 'active';
    if (hasMore) return 'too-early';
    const { compressionSlots, policy } = this.#session.service;
    if (!compressionSlots.take(policy.limits.compressedSessionsMax)) return 'full';
    this.#compression = new Compression(this.#transport, this.#session);
    this.#turn = 'compression';
    return 'begun';
  }

  /** Once the answer is written. */
  turnTo(turn: Turn): void {
    this.#turn = turn;
  }

  get isLeaving(): boolean {
    return this.#turn !== undefined;
  }

  /** The answer is written. What is left to the session: to end, or to begin TLS. */
  leave(): 'end' | 'tls' | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    if (turn !== 'compression') return turn;
    this.#turn = undefined;
    this.#transport = this.#compression!;
    this.#output.goThrough(this.#transport);
    return undefined;
  }

  startTls(onSecure: () => void): void {
    this.#turn = undefined;
    this.#transport.startTls(this.#output.take(), (facts) => {
      this.#tls = facts;
      onSecure();
    });
  }

  /** Sends what was said and ends; `letGo` comes first. */
  end(last: Buffer): void {
    this.#transport.end(last);
  }

  /** What was said and is not written yet. */
  take(): Buffer {
    return this.#output.take();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  letGo(): void {
    if (this.#compression !== undefined) {
      this.#compression = undefined;
      this.#session.service.compressionSlots.give();
    }
    this.#unsent.end();
    this.#output.drained();
  }
}
