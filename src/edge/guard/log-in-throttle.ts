/**
 * Slows down guessing of passwords: failures are counted by peer address, and by address and account together, and
 * past a few of them log-ins wait, twice as long each time. Of IPv6 a whole /64 is one peer.
 *
 * Runs in:   edge (main thread).
 * Limits:    `entriesMax` counters; the least recently used go first. One account is never locked for all addresses:
 *            that would let anybody lock anybody out.
 */

import { peerNetwork } from '../../base/networks.ts';
import { hourMs, secondMs } from '../../base/units.ts';

export interface LogInLimits {
  /** Failures of one address with one account that cost nothing. */
  readonly failuresFree: number;
  /** The same for one address with any accounts. */
  readonly failuresPerAddressFree: number;
  readonly waitMsFirst: number;
  readonly waitMsMax: number;
  /** A counter is forgotten this long after its last failure. */
  readonly forgetMs: number;
  readonly entriesMax: number;
}

export const defaultLogInLimits: LogInLimits = {
  failuresFree: 5,
  failuresPerAddressFree: 20,
  waitMsFirst: 10 * secondMs,
  waitMsMax: hourMs,
  forgetMs: 24 * hourMs,
  entriesMax: 50_000,
};

interface Failures {
  count: number;
  lastMs: number;
  waitMs: number;
}

export class LogInThrottle {
  readonly #limits: LogInLimits;
  /** In order of last failure. */
  readonly #entries = new Map<string, Failures>();

  constructor(limits: LogInLimits = defaultLogInLimits) {
    this.#limits = limits;
  }

  /** Milliseconds this peer must wait before it may try this account; 0: it may now. */
  waitMs(address: string, account: string, nowMs: number): number {
    const peer = peerNetwork(address);
    return Math.max(this.#wait(peer, nowMs), this.#wait(keyOf(peer, account), nowMs));
  }

  failed(address: string, account: string, nowMs: number): void {
    const peer = peerNetwork(address);
    this.#count(peer, this.#limits.failuresPerAddressFree, nowMs);
    this.#count(keyOf(peer, account), this.#limits.failuresFree, nowMs);
  }

  /** The address keeps its count: one good account must not buy guesses at others. */
  succeeded(address: string, account: string): void {
    this.#entries.delete(keyOf(peerNetwork(address), account));
  }

  #wait(key: string, nowMs: number): number {
    const entry = this.#entries.get(key);
    return entry === undefined ? 0 : Math.max(0, entry.lastMs + entry.waitMs - nowMs);
  }

  #count(key: string, free: number, nowMs: number): void {
    const { forgetMs, waitMsFirst, waitMsMax, entriesMax } = this.#limits;
    const known = this.#entries.get(key);
    const isFresh = known === undefined || nowMs - known.lastMs > forgetMs;
    const count = isFresh ? 1 : known.count + 1;
    const waitMs = count < free ? 0 : Math.min(waitMsMax, waitMsFirst * 2 ** (count - free));
    this.#entries.delete(key);
    this.#entries.set(key, { count, lastMs: nowMs, waitMs });
    if (this.#entries.size > entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }
}

function keyOf(peer: string, account: string): string {
  return `${peer} ${account.toLowerCase()}`;
}
