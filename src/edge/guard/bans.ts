/**
 * Networks that are turned away before they say a word: those that guessed passwords too often, and those an operator
 * named.
 *
 * Runs in:   edge (main thread).
 * Limits:    `bansMax` bans; a new one takes the place of the one that ends first. Failures are counted for `windowMs`.
 * Invariant: a ban is on disk before `add` resolves, so it outlasts a restart; one made by the guard holds at once, and
 *            is lost by a kill in the same moment alone. Loopback and the allow list are never banned, whatever is in
 *            the table.
 */

import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isLoopback, type NetworkSet } from '../../base/networks.ts';
import { dayMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Counters } from '../../ports/counters.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import { bannable, networkAround, type PrefixBits } from './ban-networks.ts';

export const bansMax = 10_000;
/** How long after its end a ban makes the next one of the same network longer. */
const memoryMs = 7 * dayMs;
const ofAddress: PrefixBits = { v4: 32, v6: 64 };
const ofNetwork: PrefixBits = { v4: 24, v6: 48 };

export interface Ban {
  readonly network: string;
  readonly by: 'guard' | 'operator';
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How often it was banned, this time among them. */
  readonly times: number;
}

export interface BanLimits {
  /** Failures within `windowMs` that ban an IPv4 address or IPv6 /64; 0: none does. */
  readonly failuresPerAddressMax: number;
  /** The same of an IPv4 /24 or IPv6 /48. */
  readonly failuresPerNetworkMax: number;
  readonly windowMs: number;
  readonly banMsFirst: number;
  readonly banMsMax: number;
}

export interface BanParts {
  readonly limits: BanLimits;
  readonly allowed: NetworkSet;
  readonly counters: Counters;
  readonly table: Pick<ShardIndex, 'range' | 'commit' | 'close'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  /** Told of bans the guard makes. */
  readonly banned: (ban: Ban) => void;
}

export class Bans {
  readonly #parts: BanParts;
  readonly #bans = new Map<string, Ban>();
  /** Prefix lengths that bans have, by how many. */
  readonly #lengths = { v4: new Map<number, number>(), v6: new Map<number, number>() };
  #writing: Promise<unknown> = Promise.resolve();

  constructor(parts: BanParts) {
    this.#parts = parts;
    const rows = parts.table.range({ from: Buffer.from('b'), to: Buffer.from('c') });
    for (const { value } of rows) this.#keep(JSON.parse(Buffer.from(value).toString()) as Ban);
  }

  /** Made by the guard or by operators, and not over. */
  list(): readonly Ban[] {
    const nowMs = this.#parts.clock.nowMs();
    return [...this.#bans.values()].filter(({ untilMs }) => untilMs > nowMs);
  }

  isBanned(address: string): boolean {
    if (this.#bans.size === 0) return false;
    return this.#banOf(address) !== undefined && !this.#isExempt(address);
  }

  /** A log-in from there failed. */
  failed(address: string): void {
    if (this.#isExempt(address)) return;
    const { failuresPerAddressMax, failuresPerNetworkMax } = this.#parts.limits;
    void this.#count(networkAround(address, ofAddress), failuresPerAddressMax);
    void this.#count(networkAround(address, ofNetwork), failuresPerNetworkMax);
  }

  /** @throws MailError where that is nothing to ban, or never banned */
  async add(text: string, forMs: number, reason: string): Promise<Ban> {
    const network = bannable(text);
    if (network === undefined) {
      const form = 'an address or a network of 8 to 32 (IPv4) or 16 to 64 (IPv6) bits';
      throw new MailError('argument-invalid', `"${text}" is not ${form}`);
    }
    if (this.#isExempt(network.split('/')[0]!)) {
      throw new MailError(
        'argument-invalid',
        `${network} is never banned: it is on the allow list`,
      );
    }
    const nowMs = this.#parts.clock.nowMs();
    const times = (this.#bans.get(network)?.times ?? 0) + 1;
    const ban: Ban = {
      ...{ network, by: 'operator', reason, sinceMs: nowMs, untilMs: nowMs + forMs, times },
    };
    await this.#write(ban);
    return ban;
  }

  /** Its failures are forgotten, too. @throws MailError where there is none */
  async remove(text: string): Promise<void> {
    const network = bannable(text);
    if (network === undefined || !this.#bans.has(network)) {
      throw new MailError('not-found', `there is no ban of ${text}`);
    }
    this.#drop(network);
    await this.#parts.counters.clear(network);
    await this.#commit([{ remove: keyOf(network) }]);
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#parts.table.close();
  }

  #isExempt(address: string): boolean {
    return isLoopback(address) || this.#parts.allowed.has(address);
  }

  #banOf(address: string): Ban | undefined {
    const isV6 = address.includes(':') && !address.startsWith('::ffff:');
    const nowMs = this.#parts.clock.nowMs();
    for (const bits of this.#lengths[isV6 ? 'v6' : 'v4'].keys()) {
      const ban = this.#bans.get(networkAround(address, { v4: bits, v6: bits }) ?? '');
      if (ban !== undefined && ban.untilMs > nowMs) return ban;
    }
    return undefined;
  }

  async #count(network: string | undefined, failuresMax: number): Promise<void> {
    if (network === undefined || failuresMax === 0) return;
    const { counters, limits, log } = this.#parts;
    try {
      const { count } = await counters.add(network, limits.windowMs);
      if (count < failuresMax) return;
      await counters.clear(network);
      await this.#ban(network);
    } catch (error) {
      log.error({ network, error: String(error) }, 'a ban could not be made or written');
    }
  }

  async #ban(network: string): Promise<void> {
    const { limits, clock, log, banned } = this.#parts;
    const nowMs = clock.nowMs();
    const known = this.#bans.get(network);
    if (known !== undefined && known.untilMs > nowMs) return;
    const isRemembered = known !== undefined && nowMs - known.untilMs < memoryMs;
    const times = isRemembered ? known.times + 1 : 1;
    const forMs = Math.min(limits.banMsMax, limits.banMsFirst * 2 ** (times - 1));
    const ban: Ban = {
      ...{ network, by: 'guard', reason: 'failed log-ins', times },
      ...{ sinceMs: nowMs, untilMs: nowMs + forMs },
    };
    log.warn({ network, forMs, times }, 'a network is banned for failed log-ins');
    banned(ban);
    await this.#write(ban);
  }

  /** It holds at once. */
  #write(ban: Ban): Promise<void> {
    const evicted = this.#bans.has(ban.network) ? undefined : this.#evict();
    this.#keep(ban);
    const value = Buffer.from(JSON.stringify(ban));
    const removed = evicted === undefined ? [] : [{ remove: keyOf(evicted) }];
    return this.#commit([...removed, { put: keyOf(ban.network), value }]);
  }

  #commit(changes: Parameters<ShardIndex['commit']>[0]): Promise<void> {
    const written = this.#parts.table.commit(changes);
    this.#writing = written;
    return written;
  }

  /** Makes room for one more: the one that ends first, or has ended longest ago. */
  #evict(): string | undefined {
    if (this.#bans.size < bansMax) return undefined;
    let first: Ban | undefined;
    for (const ban of this.#bans.values()) {
      if (first === undefined || ban.untilMs < first.untilMs) first = ban;
    }
    this.#drop(first!.network);
    return first!.network;
  }

  #keep(ban: Ban): void {
    if (!this.#bans.has(ban.network)) this.#countLength(ban.network, 1);
    this.#bans.set(ban.network, ban);
  }

  #drop(network: string): void {
    if (this.#bans.delete(network)) this.#countLength(network, -1);
  }

  #countLength(network: string, more: number): void {
    const lengths = this.#lengths[network.includes(':') ? 'v6' : 'v4'];
    const bits = Number(network.slice(network.indexOf('/') + 1));
    const count = (lengths.get(bits) ?? 0) + more;
    if (count === 0) lengths.delete(bits);
    else lengths.set(bits, count);
  }
}

function keyOf(network: string): Buffer {
  return Buffer.from(`b${network}`);
}
