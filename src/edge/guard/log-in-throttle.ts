/**
 * Slows down guessing of passwords: failures are counted by peer address, and by address and account together, and
 * past a few of them log-ins wait, twice as long each time. Of IPv6 a whole /64 is one peer. Failures of one account
 * from many addresses slow it down for strangers, never for peers that logged in to it lately.
 *
 * Runs in:   edge (main thread).
 * Limits:    `entriesMax` counters of peers, as many of names; of those counted longest ago the lowest goes first. As
 *            many peers are known to accounts. One
 *            account is never locked for all addresses: that would let anybody lock anybody out. From strangers it
 *            takes one failure every `waitMsOfName`. `waitingMax` attempts wait for others that are under way.
 * Invariant: an attempt under way may fail, so it takes up room as if it had: as many as come together are never more
 *            than could come one after the other. All spellings of a name are one, whether or not it is anybody's.
 */

import { peerNetwork } from '../../base/networks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { dayMs, hourMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import { AttemptTurns } from './attempt-turns.ts';

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
  /** Attempts that wait for those under way. */
  readonly waitingMax: number;
  /** The same of one peer: none keeps the others from waiting. */
  readonly waitingMaxOfPeer: number;
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
  waitingMax: 1_000,
  waitingMaxOfPeer: 250,
};

/** Of so many that were counted longest ago, the one with the fewest failures is forgotten first. */
const oldestLookedAt = 16;

interface Failures {
  count: number;
  lastMs: number;
  waitMs: number;
}

/** What an attempt counts against. */
interface Bound {
  readonly key: string;
  readonly free: number;
  readonly waitMsFirst: number;
  readonly waitMsMax: number;
}

/** One that may go on. It ends once, by one of these. */
export interface Attempt {
  /** How many failures its peer has now. */
  failed(): number;
  /** It got into the account of this address; its peer is no stranger there. */
  succeeded(account: string): void;
  /** It was no guess: it counts for nothing. */
  undone(): void;
}

/** `rate-exceeded`: it must wait. `store-busy`: too many wait for others to end. */
export type NoAttempt = 'rate-exceeded' | 'store-busy';

/** Longer names are nobody's, and count as one with those that begin like them. */
const nameLengthMax = 320;

/** How the directory spells the name of an account. */
export type Spelling = (name: string) => string;

export class LogInThrottle {
  readonly #limits: LogInLimits;
  readonly #spelled: Spelling;
  readonly #turns: AttemptTurns;
  /** Of peers, and of peers with names, in order of last failure. */
  readonly #entries = new Map<string, Failures>();
  /** Of names alone: no number of peers makes these forgotten. */
  readonly #names = new Map<string, Failures>();

  /** When a peer last logged in to an account. */
  readonly #known: RecentMap<string, number>;

  constructor(
    limits: LogInLimits = defaultLogInLimits,
    spelled: Spelling = (name) => name.toLowerCase(),
  ) {
    this.#limits = limits;
    this.#spelled = (name) => spelled(name).slice(0, nameLengthMax);
    this.#turns = new AttemptTurns(limits.waitingMax, limits.waitingMaxOfPeer);
    this.#known = new RecentMap(limits.entriesMax);
  }

  /** Attempts that wait for others to end. */
  get waitingCount(): number {
    return this.#turns.waitingCount;
  }

  /** Milliseconds this peer must wait before it may try this account; 0: it may now. */
  waitMs(address: string, account: string, nowMs: number): number {
    const bounds = this.#boundsOf(peerNetwork(address), this.#spelled(account), nowMs);
    return Math.max(...bounds.map(({ key }) => this.#wait(key, nowMs)));
  }

  /** Before anything that was shown is looked at. */
  begin(
    address: string,
    account: string,
    clock: Pick<Clock, 'monotonicMs'>,
  ): Promise<Attempt | NoAttempt> {
    const peer = peerNetwork(address);
    const name = this.#spelled(account);
    return new Promise((resolve) => {
      const look = () => {
        const nowMs = clock.monotonicMs();
        const bounds = this.#boundsOf(peer, name, nowMs);
        if (bounds.some(({ key }) => this.#wait(key, nowMs) > 0)) {
          resolve('rate-exceeded');
          return undefined;
        }
        const full = bounds.find((bound) => !this.#hasRoom(bound, nowMs));
        if (full === undefined) resolve(this.#begun(peer, bounds, clock));
        return full?.key;
      };
      if (!this.#turns.enter(peer, look)) resolve('store-busy');
    });
  }

  #begun(peer: string, bounds: readonly Bound[], clock: Pick<Clock, 'monotonicMs'>): Attempt {
    const keys = bounds.map(({ key }) => key);
    this.#turns.take(keys);
    let isOver = false;
    const end = (count: (nowMs: number) => void) => {
      if (isOver) throw new Error('an attempt ends once');
      isOver = true;
      count(clock.monotonicMs());
      this.#turns.give(keys);
    };
    return {
      failed: () => {
        end((nowMs) => {
          for (const bound of bounds) this.#count(bound, nowMs);
        });
        return this.#entries.get(peer)?.count ?? 0;
      },
      succeeded: (account) => {
        // The address keeps its count: one good account must not buy guesses at others.
        const key = keyOf(peer, this.#spelled(account));
        end((nowMs) => {
          this.#entries.delete(key);
          this.#known.set(key, nowMs);
        });
      },
      undone: () => end(() => {}),
    };
  }

  /** The peer's is the first. */
  #boundsOf(peer: string, name: string, nowMs: number): readonly Bound[] {
    const { failuresPerAddressFree, failuresFree, failuresPerNameFree } = this.#limits;
    const { waitMsFirst, waitMsMax, waitMsOfName } = this.#limits;
    const doubling = { waitMsFirst, waitMsMax };
    const ofPeer = { key: peer, free: failuresPerAddressFree, ...doubling };
    // Where it is not known who somebody says to be, all would wait for each other, and no log-in clears the count.
    if (name === '') return [ofPeer];
    const bounds = [ofPeer, { key: keyOf(peer, name), free: failuresFree, ...doubling }];
    if (this.#isKnown(peer, name, nowMs)) return bounds;
    const steady = { waitMsFirst: waitMsOfName, waitMsMax: waitMsOfName };
    return [...bounds, { key: keyOf(noPeer, name), free: failuresPerNameFree, ...steady }];
  }

  #isKnown(peer: string, name: string, nowMs: number): boolean {
    const loggedInMs = this.#known.get(keyOf(peer, name));
    return loggedInMs !== undefined && nowMs - loggedInMs < this.#limits.knownMs;
  }

  #wait(key: string, nowMs: number): number {
    const entry = this.#entriesOf(key).get(key);
    return entry === undefined ? 0 : Math.max(0, entry.lastMs + entry.waitMs - nowMs);
  }

  /** Whether one more may be under way: past the free failures it is one at a time. */
  #hasRoom({ key, free }: Bound, nowMs: number): boolean {
    return this.#turns.underWay(key) < Math.max(1, free - this.#failures(key, nowMs));
  }

  #failures(key: string, nowMs: number): number {
    const entry = this.#entriesOf(key).get(key);
    return entry === undefined || nowMs - entry.lastMs > this.#limits.forgetMs ? 0 : entry.count;
  }

  #count({ key, free, waitMsFirst, waitMsMax }: Bound, nowMs: number): void {
    const count = this.#failures(key, nowMs) + 1;
    const waitMs = count < free ? 0 : Math.min(waitMsMax, waitMsFirst * 2 ** (count - free));
    const entries = this.#entriesOf(key);
    entries.delete(key);
    entries.set(key, { count, lastMs: nowMs, waitMs });
    if (entries.size > this.#limits.entriesMax) entries.delete(leastOf(entries));
  }

  #entriesOf(key: string): Map<string, Failures> {
    return key.startsWith(`${noPeer} `) ? this.#names : this.#entries;
  }
}

/** A flood of names that failed once each pushes out its own, not what was guessed at for long. */
function leastOf(entries: ReadonlyMap<string, Failures>): string {
  let least: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  let looked = 0;
  for (const [key, { count }] of entries) {
    if (count < fewest) [least, fewest] = [key, count];
    if (++looked === oldestLookedAt) break;
  }
  return least!;
}

/** In the place of a peer, where it is a name's own count. */
const noPeer = '';

/** No address is empty, so no other key is like that of a name alone. */
function keyOf(peer: string, name: string): string {
  return `${peer} ${name}`;
}
