/**
 * Slows down guessing of passwords: failures are counted by peer address, and by address and account together, and
 * past a few of them log-ins wait, twice as long each time. Of IPv6 a whole /64 is one peer. Failures of one account
 * from many addresses slow it down for strangers, never for peers that logged in to it lately.
 *
 * Runs in:   edge (main thread).
 * Limits:    `entriesMax` counters; the least recently used go first; as many peers that are known to accounts. One
 *            account is never locked for all addresses: that would let anybody lock anybody out. From strangers it
 *            takes one failure every `waitMsOfName`.
 */

import { peerNetwork } from '../../base/networks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { dayMs, hourMs, secondMs } from '../../base/units.ts';

export interface LogInLimits {
  /** Failures of one address with one account that cost nothing. */
  readonly failuresFree: number;
  /** The same for one address with any accounts. */
  readonly failuresPerAddressFree: number;
  /** The same for one account from any strangers' addresses. */
  readonly failuresPerNameFree: number;
  /** What strangers wait after a failure past those. */
  readonly waitMsOfName: number;
  /** How long after a log-in a peer is no stranger to the account. */
  readonly knownMs: number;
  readonly waitMsFirst: number;
  readonly waitMsMax: number;
  /** A counter is forgotten this long after its last failure. */
  readonly forgetMs: number;
  readonly entriesMax: number;
}

export const defaultLogInLimits: LogInLimits = {
  failuresFree: 5,
  failuresPerAddressFree: 20,
  failuresPerNameFree: 50,
  waitMsOfName: 10 * secondMs,
  knownMs: 30 * dayMs,
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

  /** When a peer last logged in to an account. */
  readonly #known: RecentMap<string, number>;

  constructor(limits: LogInLimits = defaultLogInLimits) {
    this.#limits = limits;
    this.#known = new RecentMap(limits.entriesMax);
  }

  /** Milliseconds this peer must wait before it may try this account; 0: it may now. */
  waitMs(address: string, account: string, nowMs: number): number {
    const peer = peerNetwork(address);
    const ofName = this.#isKnown(peer, account, nowMs) ? 0 : this.#wait(nameKeyOf(account), nowMs);
    return Math.max(this.#wait(peer, nowMs), this.#wait(keyOf(peer, account), nowMs), ofName);
  }

  failed(address: string, account: string, nowMs: number): void {
    const peer = peerNetwork(address);
    const { failuresPerAddressFree, failuresFree, failuresPerNameFree } = this.#limits;
    const { waitMsFirst, waitMsMax, waitMsOfName } = this.#limits;
    const doubling = { first: waitMsFirst, max: waitMsMax };
    this.#count(peer, failuresPerAddressFree, nowMs, doubling);
    this.#count(keyOf(peer, account), failuresFree, nowMs, doubling);
    // Where it is not known who somebody says to be, all would wait for each other.
    if (account === '' || this.#isKnown(peer, account, nowMs)) return;
    const steady = { first: waitMsOfName, max: waitMsOfName };
    this.#count(nameKeyOf(account), failuresPerNameFree, nowMs, steady);
  }

  /** The address keeps its count: one good account must not buy guesses at others. */
  succeeded(address: string, account: string, nowMs: number): void {
    const key = keyOf(peerNetwork(address), account);
    this.#entries.delete(key);
    this.#known.set(key, nowMs);
  }

  #isKnown(peer: string, account: string, nowMs: number): boolean {
    const loggedInMs = this.#known.get(keyOf(peer, account));
    return loggedInMs !== undefined && nowMs - loggedInMs < this.#limits.knownMs;
  }

  #wait(key: string, nowMs: number): number {
    const entry = this.#entries.get(key);
    return entry === undefined ? 0 : Math.max(0, entry.lastMs + entry.waitMs - nowMs);
  }

  #count(
    key: string,
    free: number,
    nowMs: number,
    wait: { readonly first: number; readonly max: number },
  ): void {
    const { forgetMs, entriesMax } = this.#limits;
    const known = this.#entries.get(key);
    const isFresh = known === undefined || nowMs - known.lastMs > forgetMs;
    const count = isFresh ? 1 : known.count + 1;
    const waitMs = count < free ? 0 : Math.min(wait.max, wait.first * 2 ** (count - free));
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

/** No address is empty, so no other key is like it. */
function nameKeyOf(account: string): string {
  return keyOf('', account);
}

function keyOf(peer: string, account: string): string {
  return `${peer} ${account.toLowerCase()}`;
}
