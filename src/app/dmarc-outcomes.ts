/**
 * How mail of strangers fared by DMARC, by UTC day and policy domain, until it is reported.
 *
 * Runs in:   main thread.
 * Specs:     RFC 9990 §3.1.2 (a report per policy domain), §3.3 (a policy that changes in the day: its last form).
 * Limits:    `domainsPerDayMax` domains a day, `rowsPerDomainMax` rows of each and `rowsPerDayMax` of all (some 800 MB
 *            where each is as long as can be): messages past that are in no report, but in `droppedCount`, and those
 *            of a domain in its report's error.
 * Invariant: what was told is committed at once; what engine threads have not told yet, a few seconds' worth, is what
 *            a kill costs. A report that began to leave is added to no more: what is told of its day after that, late
 *            or because the clock went back, is another report of it, with a serial of its own.
 */

import { Buffer } from 'node:buffer';
import type { DmarcCount, DmarcCounts } from '../actors/asks/dmarc-count-asks.ts';
import type { Log } from '../base/log.ts';
import { dayMs } from '../base/units.ts';
import type { DmarcRecord, PublishedPolicy } from '../mail/formats/dmarc-report/report.ts';
import type { Random } from '../ports/random.ts';
import type { IndexChange, ShardIndex } from '../ports/shard-index.ts';
import { dayKey, dayKeyBytes, domainKey, putRow, rowKey, rowOf, rowsBelow } from './day-rows.ts';

/** What one report of a domain's day says. */
export interface DmarcDay {
  readonly policy: PublishedPolicy;
  /** Tells reports of one day apart; absent: it was begun before there were any. */
  readonly serial?: string;
  /** It began to leave. */
  readonly isSealed?: boolean;
  /** Where the report went already. */
  readonly sentTo: readonly string[];
  readonly rowCount: number;
  readonly droppedCount: number;
}

const domainsPerDayMax = 20_000;
export const rowsPerDomainMax = 2_000;
const rowsPerDayMax = 200_000;
/** Reports of one domain's day that wait at once. */
export const reportsPerDayMax = 20;
const serialBytes = 6;

/** Of all domains. */
interface DayLimits {
  readonly domainsMax: number;
  readonly rowsMax: number;
}

const dayLimits: DayLimits = { domainsMax: domainsPerDayMax, rowsMax: rowsPerDayMax };

interface Batch {
  readonly heads: Map<string, DmarcDay>;
  readonly rows: Map<string, { readonly key: Buffer; readonly record: DmarcRecord }>;
}

export class DmarcOutcomes {
  readonly #table: ShardIndex;
  readonly #log: Log;
  readonly #random: Random;
  readonly #limits: DayLimits;
  readonly #domainCounts = new Map<number, number>();
  readonly #rowCounts = new Map<number, number>();
  #lastWrite: Promise<unknown> = Promise.resolve();
  droppedCount = 0;

  constructor(table: ShardIndex, log: Log, random: Random, limits: DayLimits = dayLimits) {
    this.#table = table;
    this.#log = log;
    this.#random = random;
    this.#limits = limits;
    for (const { dayMs: day, domain } of this.names(Number.MAX_SAFE_INTEGER)) {
      addTo(this.#domainCounts, day, 1);
      addTo(this.#rowCounts, day, this.get(day, domain)!.rowCount);
    }
  }

  add({ sinceMs, rows }: DmarcCounts): Promise<void> {
    const day = Math.floor(sinceMs / dayMs) * dayMs;
    return this.#inTurn(() => {
      const batch: Batch = { heads: new Map(), rows: new Map() };
      for (const row of rows) this.#count(day, row, batch);
      const heads = [...batch.heads].map(([domain, head]) => putRow(headKey(day, domain), head));
      return [...heads, ...[...batch.rows.values()].map(({ key, record }) => putRow(key, record))];
    });
  }

  /** Days before one and their reports: each by its domain, a second one of a day by `far.test#2`. */
  names(toMs: number): readonly { readonly dayMs: number; readonly domain: string }[] {
    const names: { dayMs: number; domain: string }[] = [];
    this.#table.each(headKey(0, ''), headKey(toMs, ''), (given) => {
      const key = Buffer.from(given);
      const domain = key.toString('utf8', dayKeyBytes);
      names.push({ dayMs: Number(key.readBigUInt64BE(1)), domain });
      return true;
    });
    return names;
  }

  get(day: number, domain: string): DmarcDay | undefined {
    return rowOf<DmarcDay>(this.#table.get(headKey(day, domain)));
  }

  /** The most frequent first. */
  records(day: number, domain: string): readonly DmarcRecord[] {
    const rows = this.#rowsOf(day, domain).map(({ value }) => rowOf<DmarcRecord>(value)!);
    return rows.sort((a, b) => b.count - a.count);
  }

  /** Before it leaves, and before it is read for that. */
  seal(day: number, domain: string): Promise<void> {
    return this.#inTurn(() => {
      const known = this.get(day, domain);
      if (known === undefined || known.isSealed) return [];
      return [putRow(headKey(day, domain), { ...known, isSealed: true })];
    });
  }

  sent(day: number, domain: string, to: string): Promise<void> {
    return this.#inTurn(() => {
      const known = this.get(day, domain);
      if (known === undefined) return [];
      return [putRow(headKey(day, domain), { ...known, sentTo: [...known.sentTo, to] })];
    });
  }

  remove(day: number, domain: string): Promise<void> {
    return this.#inTurn(() => {
      const known = this.get(day, domain);
      if (known === undefined) return [];
      addTo(this.#domainCounts, day, -1);
      addTo(this.#rowCounts, day, -known.rowCount);
      const rows = this.#rowsOf(day, domain).map(({ key }) => ({ remove: key }));
      return [{ remove: headKey(day, domain) }, ...rows];
    });
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    await this.#table.close();
  }

  #count(day: number, { published, record }: DmarcCount, { heads, rows }: Batch): void {
    const open = this.#openOf(day, published, heads);
    if (open === undefined) {
      this.droppedCount += record.count;
      return;
    }
    const { name, head } = open;
    const key = recordKey(day, name, record);
    const row = key.toString('latin1');
    const known = rows.get(row)?.record ?? rowOf<DmarcRecord>(this.#table.get(key));
    const isFull =
      head.rowCount >= rowsPerDomainMax || (this.#rowCounts.get(day) ?? 0) >= this.#limits.rowsMax;
    if (known === undefined && isFull) {
      this.droppedCount += record.count;
      const droppedCount = head.droppedCount + record.count;
      heads.set(name, { ...head, policy: published, droppedCount });
      return;
    }
    const rowCount = head.rowCount + (known === undefined ? 1 : 0);
    if (known === undefined) addTo(this.#rowCounts, day, 1);
    heads.set(name, { ...head, policy: published, rowCount });
    rows.set(row, { key, record: { ...record, count: record.count + (known?.count ?? 0) } });
  }

  /** The report that is still added to, or a new one. Undefined: the day has all it may have. */
  #openOf(day: number, policy: PublishedPolicy, heads: Batch['heads']) {
    const { domain } = policy;
    for (let number = 1; number <= reportsPerDayMax; number++) {
      const name = number === 1 ? domain : `${domain}#${number}`;
      const known = heads.get(name) ?? this.get(day, name);
      if (known?.isSealed) continue;
      const head = known ?? this.#begun(day, policy);
      return head === undefined ? undefined : { name, head };
    }
    return undefined;
  }

  #begun(day: number, policy: PublishedPolicy): DmarcDay | undefined {
    const count = this.#domainCounts.get(day) ?? 0;
    if (count >= this.#limits.domainsMax) return undefined;
    addTo(this.#domainCounts, day, 1);
    const serial = Buffer.from(this.#random.bytes(serialBytes)).toString('hex');
    return { policy, serial, sentTo: [], rowCount: 0, droppedCount: 0 };
  }

  #rowsOf(day: number, domain: string) {
    return rowsBelow(this.#table, domainKey(recordKind, day, domain));
  }

  /** Each change sees what those before it made. */
  #inTurn(change: () => readonly IndexChange[]): Promise<void> {
    const done = this.#lastWrite.then(async () => {
      const changes = change();
      if (changes.length > 0) await this.#table.commit(changes);
    });
    this.#lastWrite = done.catch((error: unknown) => {
      this.#log.error({ error: String(error) }, 'outcomes of DMARC could not be kept');
    });
    return this.#lastWrite as Promise<void>;
  }
}

function addTo(counts: Map<number, number>, day: number, count: number): void {
  const sum = (counts.get(day) ?? 0) + count;
  if (sum > 0) counts.set(day, sum);
  else counts.delete(day);
}

/** First byte of keys: days are read without their rows. */
const headKind = 0;
const recordKind = 1;

/** By day, then by domain. */
function headKey(day: number, domain: string): Buffer {
  return Buffer.concat([dayKey(headKind, day), Buffer.from(domain)]);
}

function recordKey(day: number, domain: string, { count: _, ...row }: DmarcRecord): Buffer {
  return rowKey(domainKey(recordKind, day, domain), JSON.stringify(row));
}
