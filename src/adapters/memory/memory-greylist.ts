/**
 * A greylist in this process's memory. Implements `ports/greylist.ts`; `lmdb/greylist.ts` keeps it over restarts.
 *
 * Runs in:   main thread.
 * Specs:     RFC 6647 §2.2 (network, sender, recipient), §5 (waits).
 * Limits:    a third of `entriesMax` each of those that wait, of those that were let in, and of networks. Where they
 *            are full, the oldest entry of a network (IPv6: of its /32) makes room for its next one, and only for one
 *            that has none does the one go that was not heard of for longest.
 */

import { createHash } from 'node:crypto';
import { hourMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Greylist, GreylistAnswer, GreylistKey } from '../../ports/greylist.ts';

export interface GreylistLimits {
  readonly waitMs: number;
  /** Later than this it begins anew. */
  readonly retryMsMax: number;
  /** After its last mail. */
  readonly keepMs: number;
  /** 0: no network is let in as a whole. */
  readonly allowAfterCount: number;
  readonly entriesMax: number;
}

/** `waiting`: since when; `passed`: its last mail; `network`: the same, and how many of it were let in. */
export type GreylistKind = 'waiting' | 'passed' | 'network';

export interface GreylistRow {
  readonly kind: GreylistKind;
  readonly network: string;
  /** Of sender and recipient; "" for a network. */
  readonly pair: string;
  readonly atMs: number;
  /** Of a network, else 0. */
  readonly count: number;
}

/** Told of each row that changes; without `atMs`, it is gone. */
export type GreylistChange = Omit<GreylistRow, 'atMs' | 'count'> &
  Partial<Pick<GreylistRow, 'atMs' | 'count'>>;

export class MemoryGreylist implements Greylist {
  /** Told of what is to be kept elsewhere. */
  changed: (change: GreylistChange) => void = () => {};
  readonly #limits: GreylistLimits;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #waiting: Shelf;
  readonly #passed: Shelf;
  readonly #networks: Shelf;
  /** An instant is written again only once it is so old: not with each mail. */
  readonly #freshMs: number;

  constructor(limits: GreylistLimits, clock: Pick<Clock, 'nowMs'>) {
    this.#limits = limits;
    this.#clock = clock;
    const third = Math.max(1, Math.floor(limits.entriesMax / 3));
    this.#waiting = new Shelf('waiting', third, this.#tell);
    this.#passed = new Shelf('passed', third, this.#tell);
    this.#networks = new Shelf('network', third, this.#tell);
    this.#freshMs = Math.min(hourMs, limits.keepMs / 10);
  }

  get count(): number {
    return this.#waiting.count + this.#passed.count + this.#networks.count;
  }

  /** Rows that stood elsewhere, in any order. */
  restore(rows: readonly GreylistRow[]): void {
    for (const { kind, network, pair, atMs, count } of rows.toSorted((a, b) => a.atMs - b.atMs)) {
      this.#shelf(kind).put(network, pair, { atMs, count });
    }
  }

  ask({ network, sender, recipient }: GreylistKey): GreylistAnswer {
    const { waitMs, retryMsMax } = this.#limits;
    const nowMs = this.#clock.nowMs();
    if (this.#isAllowed(network, nowMs)) return { kind: 'allowed' };
    const pair = pairOf(sender, recipient);
    const known = this.#passed.get(network, pair);
    if (known !== undefined && this.#isKept(known.atMs, nowMs)) {
      this.#touch(this.#passed, network, pair, known, nowMs);
      return { kind: 'passed' };
    }
    const first = this.#waiting.get(network, pair);
    // A clock that was set back must not make anybody wait for longer than the wait.
    const isKnown = first !== undefined && first.atMs <= nowMs && nowMs - first.atMs <= retryMsMax;
    if (!isKnown) {
      this.#waiting.put(network, pair, { atMs: nowMs, count: 0 });
      return { kind: 'wait', waitMs };
    }
    const waitedMs = nowMs - first.atMs;
    if (waitedMs < waitMs) return { kind: 'wait', waitMs: waitMs - waitedMs };
    this.#waiting.remove(network, pair);
    this.#passed.put(network, pair, { atMs: nowMs, count: 0 });
    const before = this.#networks.get(network, '');
    const count = before !== undefined && this.#isKept(before.atMs, nowMs) ? before.count + 1 : 1;
    this.#networks.put(network, '', { atMs: nowMs, count });
    return { kind: 'passed' };
  }

  #isAllowed(network: string, nowMs: number): boolean {
    const { allowAfterCount } = this.#limits;
    const known = allowAfterCount === 0 ? undefined : this.#networks.get(network, '');
    if (known === undefined || known.count < allowAfterCount) return false;
    if (!this.#isKept(known.atMs, nowMs)) return false;
    this.#touch(this.#networks, network, '', known, nowMs);
    return true;
  }

  #isKept(atMs: number, nowMs: number): boolean {
    return nowMs - atMs <= this.#limits.keepMs;
  }

  #touch(shelf: Shelf, network: string, pair: string, { atMs, count }: Entry, nowMs: number): void {
    if (nowMs - atMs > this.#freshMs) shelf.put(network, pair, { atMs: nowMs, count });
  }

  #shelf(kind: GreylistKind): Shelf {
    if (kind === 'waiting') return this.#waiting;
    return kind === 'passed' ? this.#passed : this.#networks;
  }

  readonly #tell = (change: GreylistChange): void => this.changed(change);
}

interface Entry {
  readonly atMs: number;
  readonly count: number;
}

/** Entries by owner of their networks, each of both in the order they were heard of last. */
class Shelf {
  readonly #kind: GreylistKind;
  readonly #countMax: number;
  readonly #tell: (change: GreylistChange) => void;
  readonly #byOwner = new Map<string, Map<string, Entry>>();
  count = 0;

  constructor(kind: GreylistKind, countMax: number, tell: (change: GreylistChange) => void) {
    this.#kind = kind;
    this.#countMax = countMax;
    this.#tell = tell;
  }

  get(network: string, pair: string): Entry | undefined {
    return this.#byOwner.get(ownerOf(network))?.get(`${network} ${pair}`);
  }

  put(network: string, pair: string, entry: Entry): void {
    const owner = ownerOf(network);
    const own = this.#byOwner.get(owner) ?? new Map<string, Entry>();
    const key = `${network} ${pair}`;
    if (own.delete(key)) this.count--;
    else if (this.count >= this.#countMax) this.#makeRoom(own);
    own.set(key, entry);
    this.count++;
    this.#byOwner.delete(owner);
    this.#byOwner.set(owner, own);
    this.#tell({ kind: this.#kind, network, pair, ...entry });
  }

  remove(network: string, pair: string): void {
    const owner = ownerOf(network);
    const own = this.#byOwner.get(owner);
    if (own === undefined || !own.delete(`${network} ${pair}`)) return;
    this.count--;
    if (own.size === 0) this.#byOwner.delete(owner);
    this.#tell({ kind: this.#kind, network, pair });
  }

  #makeRoom(own: ReadonlyMap<string, Entry>): void {
    const from = own.size > 0 ? own : this.#byOwner.values().next().value!;
    const [key] = from.keys();
    const [network, pair] = key!.split(' ');
    this.remove(network!, pair!);
  }
}

/**
 * Whose network it is, for making room: an IPv4 network's own, and the /32 of an IPv6 one, which is what a provider
 * has: who has many /64s may not fill a shelf by taking a new one for each mail.
 */
function ownerOf(network: string): string {
  return network.includes(':') ? network.split(':', 2).join(':') : network;
}

/** Short, and of one length whatever a stranger calls itself. */
function pairOf(sender: string, recipient: string): string {
  const hash = createHash('sha256').update(`${sender}\n${recipient}`).digest();
  return hash.toString('base64url', 0, 16);
}
