/**
 * What is known of sources beyond one thread's life: which ones operators suspended, which warm up since when, and how
 * many messages of today's plan were given out.
 *
 * Runs in:   main thread; engine threads ask for allowances, and tell what their rules found.
 * Limits:    `pairsMax` pairs of source and provider a day, past which all others of a source share one plan; counts of
 *            `daysMax` days; `suspensionsMax` suspensions by rules, which a restart forgets: the next reply of that kind
 *            brings them back.
 * Invariant: what is lent is written down first. A process that is killed leaves unsent what its threads had left of
 *            their blocks, `blockMax` a thread and pair at most, and never sends more than the plan. A day has its plan
 *            once, in whatever order a clock shows the days.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import type {
  AllowanceMeta,
  AllowanceValue,
  PathSuspension,
  SourceDown,
  SourcesSnapshot,
} from '../actors/asks/source-asks.ts';
import { MailError } from '../base/errors.ts';
import type { TenantId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { pathName } from '../base/path-names.ts';
import { dayMs } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { IndexChange, ShardIndex } from '../ports/shard-index.ts';
import type { SourceSetting } from '../settings/egress.ts';
import type { Settings } from '../settings/schema.ts';

export const blockMax = 256;
export const pairsMax = 20_000;
export const suspensionsMax = 20_000;
/** Today and those nearest to it: a clock that ran ahead may come back. */
export const daysMax = 3;
/** Providers that came too late to have a plan of their own. */
export const othersName = '(others)';
/** Of a provider's name, as it is shown; a site of many hosts may be one. */
const providerCharsMax = 200;
/** Of what is left of a day, a block is this part: the last messages are not all in one thread's hands. */
const blockShare = 8;

export interface SourceBookOptions {
  readonly relay: Pick<Settings['relay'], 'sources' | 'warmupPlan'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: ShardIndex;
  /** Something of the snapshot changed: threads must be told. */
  readonly onChange: () => void;
}

export interface SourceStanding {
  readonly setting: SourceSetting;
  readonly isSuspended: boolean;
  /** Failed by itself, as some thread found. */
  readonly down: { readonly untilMs: number; readonly reason: string } | undefined;
  /** Absent: it does not warm up. `day` counts from 1; past `days` it is warm. */
  readonly warmup:
    | { readonly day: number; readonly days: number; readonly plan: number }
    | undefined;
  /** Given out today, by provider; most first. */
  readonly today: readonly { readonly provider: string; readonly count: number }[];
  readonly suspensions: readonly { readonly site: string; readonly untilMs: number }[];
}

/** As its row has it. */
interface Kept {
  readonly isSuspended: boolean;
  readonly warmingFrom: number;
  /** The first of the days, now, that come before `warmingFrom`: one of two clocks is wrong. */
  readonly behindFrom?: number | undefined;
}

interface Count {
  readonly source: string;
  readonly provider: string;
  count: number;
}

const sourceRows = { from: Buffer.from('s'), to: Buffer.from('t') } as const;
const countRows = { from: Buffer.from('c'), to: Buffer.from('d') } as const;

export class SourceBook {
  readonly #options: SourceBookOptions;
  readonly #kept = new Map<string, Kept>();
  /** By day; today's is among them. */
  readonly #days = new Map<number, Map<string, Count>>();
  readonly #suspensions = new Map<string, PathSuspension>();
  readonly #down = new Map<string, { readonly untilMs: number; readonly reason: string }>();
  #tenants: Readonly<Record<string, TenantId>> = {};
  #day: number;

  constructor(options: SourceBookOptions) {
    this.#options = options;
    this.#day = this.#today();
    const { relay, table } = options;
    for (const { key, value } of table.range(sourceRows)) {
      this.#kept.set(
        Buffer.from(key).toString().slice(1),
        JSON.parse(Buffer.from(value).toString()),
      );
    }
    this.#readCounts();
    this.#beginDay();
    for (const { name, warmup } of relay.sources) {
      if (!warmup || this.#kept.has(name)) continue;
      // What cannot be written down now begins anew with the next start: fewer are sent, not more.
      this.#kept.set(name, { isSuspended: false, warmingFrom: this.#day });
      void this.#commit([this.#rowOf(name)]);
    }
  }

  get #counts(): Map<string, Count> {
    return this.#days.get(this.#day)!;
  }

  snapshot(): SourcesSnapshot {
    const nowMs = this.#options.clock.nowMs();
    const { sources } = this.#options.relay;
    const warmingFrom = sources.flatMap(({ name, warmup }) =>
      warmup ? [[name, this.#keptOf(name).warmingFrom] as const] : [],
    );
    return {
      suspended: sources.flatMap(({ name }) => (this.#keptOf(name).isSuspended ? [name] : [])),
      paths: [...this.#suspensions.values()].filter(([, , untilMs]) => untilMs > nowMs),
      warmingFrom: Object.fromEntries(warmingFrom),
      tenants: this.#tenants,
    };
  }

  know(tenants: Readonly<Record<string, TenantId>>): void {
    this.#tenants = tenants;
  }

  /** A thread wants some of today's plan, or gives some back. */
  async allowance([source, provider, day, back, wants]: AllowanceMeta): Promise<AllowanceValue> {
    this.#turnDay();
    const plan = this.#planOf(source);
    if (plan === undefined) return [wants ? blockMax : 0, this.#day];
    const [key, counted] = this.#countOf(source, provider);
    if (day === this.#day) counted.count = Math.max(0, counted.count - back);
    const left = Math.max(0, plan - counted.count);
    const block = wants ? Math.min(Math.ceil(left / blockShare), blockMax) : 0;
    counted.count += block;
    if (block === 0 && back === 0) return [0, this.#day];
    const told: AllowanceValue = [block, this.#day];
    const value = Buffer.from(JSON.stringify([source, counted.provider, counted.count]));
    const isWritten = await this.#commit([{ put: key, value }]);
    return isWritten ? told : [0, told[1]];
  }

  /** Past the limit, that of the others: fewer are sent then than the plan says, never more. */
  #countOf(source: string, provider: string): [key: Buffer, counted: Count] {
    const counts = this.#counts;
    let key = countKey(this.#day, source, provider);
    let counted = counts.get(key.toString('latin1'));
    if (counted !== undefined) return [key, counted];
    let name = provider.slice(0, providerCharsMax);
    if (counts.size >= pairsMax) {
      name = othersName;
      key = countKey(this.#day, source, othersName);
    }
    counted = counts.get(key.toString('latin1')) ?? { source, provider: name, count: 0 };
    counts.set(key.toString('latin1'), counted);
    return [key, counted];
  }

  /** A thread's rule found it. */
  suspendPath(suspension: PathSuspension): void {
    const [source, site] = suspension;
    const path = pathName(site, source);
    this.#suspensions.delete(path);
    this.#suspensions.set(path, suspension);
    if (this.#suspensions.size > suspensionsMax) {
      this.#suspensions.delete(this.#suspensions.keys().next().value!);
    }
    this.#options.onChange();
  }

  noteDown([source, untilMs, reason]: SourceDown): void {
    const { log } = this.#options;
    if (untilMs > 0) {
      this.#down.set(source, { untilMs, reason });
      log.warn({ event: 'source-down', source, untilMs, reason }, 'a source is down');
    } else if (this.#down.delete(source)) {
      log.info({ event: 'source-up', source }, 'a source works again');
    }
  }

  /** By an operator; `isSuspended` false: rules' suspensions of it end, too. @throws MailError `not-found`. */
  async suspend(name: string, isSuspended: boolean): Promise<void> {
    this.#settingOf(name);
    await this.#keep(name, { isSuspended });
    if (!isSuspended) {
      for (const [path, [source]] of this.#suspensions) {
        if (source === name) this.#suspensions.delete(path);
      }
      this.#down.delete(name);
    }
    this.#options.onChange();
  }

  /** Today is its first day again. @throws MailError `not-found`, `not-possible-now`. */
  async restartWarmup(name: string): Promise<void> {
    if (!this.#settingOf(name).warmup) {
      throw new MailError('not-possible-now', `source ${name} has no warmup = true`);
    }
    await this.#keep(name, { warmingFrom: this.#today(), behindFrom: undefined });
    this.#options.onChange();
  }

  standings(): readonly SourceStanding[] {
    this.#turnDay();
    const nowMs = this.#options.clock.nowMs();
    const counts = [...this.#counts.values()].sort((a, b) => b.count - a.count);
    return this.#options.relay.sources.map((setting) => {
      const { name } = setting;
      const down = this.#down.get(name);
      return {
        setting,
        isSuspended: this.#keptOf(name).isSuspended,
        down: down !== undefined && down.untilMs > nowMs ? down : undefined,
        warmup: this.#warmupOf(setting),
        today: counts.filter(({ source }) => source === name),
        suspensions: [...this.#suspensions.values()].flatMap(([source, site, untilMs]) =>
          source === name && untilMs > nowMs ? [{ site, untilMs }] : [],
        ),
      };
    });
  }

  async close(): Promise<void> {
    await this.#options.table.close();
  }

  #warmupOf({ name, warmup }: SourceSetting): SourceStanding['warmup'] {
    if (!warmup) return undefined;
    const { warmupPlan } = this.#options.relay;
    const at = Math.max(0, this.#day - this.#keptOf(name).warmingFrom);
    return { day: at + 1, days: warmupPlan.length, plan: warmupPlan[at] ?? 0 };
  }

  /** Undefined: it is warm. */
  #planOf(name: string): number | undefined {
    const { sources, warmupPlan } = this.#options.relay;
    const isNew = sources.some((source) => source.name === name && source.warmup);
    return isNew ? warmupPlan[Math.max(0, this.#day - this.#keptOf(name).warmingFrom)] : undefined;
  }

  #keptOf(name: string): Kept {
    return this.#kept.get(name) ?? { isSuspended: false, warmingFrom: this.#day };
  }

  #settingOf(name: string): SourceSetting {
    const found = this.#options.relay.sources.find((source) => source.name === name);
    if (found === undefined) throw new MailError('not-found', `no source ${name}`);
    return found;
  }

  async #keep(name: string, change: Partial<Kept>): Promise<void> {
    const before = this.#kept.get(name);
    const kept = { ...this.#keptOf(name), ...change };
    this.#kept.set(name, kept);
    if (await this.#commit([this.#rowOf(name)])) return;
    if (before === undefined) this.#kept.delete(name);
    else this.#kept.set(name, before);
    throw new MailError('store-failed', `source ${name}`);
  }

  #rowOf(name: string): IndexChange {
    const value = Buffer.from(JSON.stringify(this.#kept.get(name)));
    return { put: Buffer.from(`s${name}`), value };
  }

  #readCounts(): void {
    for (const { key, value } of this.#options.table.range(countRows)) {
      const [source, provider, count] = JSON.parse(Buffer.from(value).toString());
      const day = Buffer.from(key).readUInt32BE(1);
      const counts = this.#days.get(day) ?? new Map<string, Count>();
      counts.set(Buffer.from(key).toString('latin1'), { source, provider, count });
      this.#days.set(day, counts);
    }
  }

  #turnDay(): void {
    const today = this.#today();
    if (today === this.#day) return;
    this.#day = today;
    this.#beginDay();
  }

  /** What was counted for other days is kept as long as a clock may show them again. */
  #beginDay(): void {
    const today = this.#day;
    if (!this.#days.has(today)) this.#days.set(today, new Map());
    const nearest = [...this.#days.keys()].sort(
      (a, b) => Math.abs(a - today) - Math.abs(b - today),
    );
    for (const day of nearest.slice(daysMax)) {
      this.#days.delete(day);
      void this.#commit([{ removeFrom: countKeyStart(day), to: countKeyStart(day + 1) }]);
    }
    for (const name of this.#kept.keys()) this.#mendBeginning(name);
  }

  /**
   * A warm-up that begins on a day to come was begun by a clock that ran ahead, or is looked at by one that is behind,
   * as some are until they are set. Once a day has passed like that it is the former, and the plan goes on from there.
   */
  #mendBeginning(name: string): void {
    const kept = this.#keptOf(name);
    const { behindFrom, warmingFrom } = kept;
    let mended: Kept | undefined;
    if (warmingFrom <= this.#day) {
      if (behindFrom !== undefined) mended = { ...kept, behindFrom: undefined };
    } else if (behindFrom === undefined || behindFrom > this.#day) {
      mended = { ...kept, behindFrom: this.#day };
    } else if (behindFrom < this.#day) {
      mended = { ...kept, warmingFrom: behindFrom, behindFrom: undefined };
    }
    if (mended === undefined) return;
    this.#kept.set(name, mended);
    void this.#commit([this.#rowOf(name)]);
    if (mended.warmingFrom !== warmingFrom) this.#options.onChange();
  }

  #today(): number {
    return Math.floor(this.#options.clock.nowMs() / dayMs);
  }

  async #commit(changes: readonly IndexChange[]): Promise<boolean> {
    try {
      await this.#options.table.commit(changes);
      return true;
    } catch (error) {
      this.#options.log.error({ error: String(error) }, 'what is known of sources was not written');
      return false;
    }
  }
}

function countKeyStart(day: number): Buffer {
  const key = Buffer.from('c....');
  key.writeUInt32BE(day, 1);
  return key;
}

/** Providers may be named after many hosts: their names stand in the value. */
function countKey(day: number, source: string, provider: string): Buffer {
  const name = hash('sha256', JSON.stringify([source, provider]), 'buffer').subarray(0, 16);
  return Buffer.concat([countKeyStart(day), name]);
}
