/**
 * How TLS of our sessions with other servers went, by UTC day and domain, until it is reported.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §4.1 (reports are of whole days in UTC).
 * Limits:    `domainsPerDayMax` domains a day: sessions of more are counted nowhere, but in `droppedCount`.
 * Invariant: what was told is committed at once; what engine threads have not told yet, a few seconds' worth, is what
 *            a kill costs.
 */

import { Buffer } from 'node:buffer';
import type { DomainOutcomes, TlsSessionCounts } from '../actors/asks/tls-session-asks.ts';
import type { Log } from '../base/log.ts';
import { dayMs } from '../base/units.ts';
import { TlsTally } from '../mail/formats/tls-report/tally.ts';
import type { PolicyOutcomes } from '../mail/formats/tls-report/write.ts';
import type { IndexChange, ShardIndex } from '../ports/shard-index.ts';
import { putRow, rowOf } from './day-rows.ts';

export interface DayOutcomes {
  readonly domain: string;
  /** The day's beginning. */
  readonly dayMs: number;
  readonly policies: readonly PolicyOutcomes[];
  /** Where the report went already. */
  readonly sentTo: readonly string[];
}

export const domainsPerDayMax = 20_000;

export class TlsOutcomes {
  readonly #table: ShardIndex;
  readonly #log: Log;
  readonly #domainCounts = new Map<number, number>();
  #lastWrite: Promise<unknown> = Promise.resolve();
  droppedCount = 0;

  constructor(table: ShardIndex, log: Log) {
    this.#table = table;
    this.#log = log;
    const all = { from: keyOf(0, ''), to: keyOf(Number.MAX_SAFE_INTEGER, '') };
    table.each(all.from, all.to, (key) => {
      const day = dayOf(key);
      this.#domainCounts.set(day, (this.#domainCounts.get(day) ?? 0) + 1);
      return true;
    });
  }

  add({ sinceMs, domains }: TlsSessionCounts): Promise<void> {
    const day = Math.floor(sinceMs / dayMs) * dayMs;
    return this.#inTurn(() => domains.flatMap((each) => this.#added(day, each)));
  }

  /** Days from one up to another, not included, the first of them first. */
  list(fromMs: number, toMs: number, limit: number): readonly DayOutcomes[] {
    const range = { from: keyOf(fromMs, ''), to: keyOf(toMs, ''), limit };
    return this.#table.range(range).map(({ value }) => rowOf<DayOutcomes>(value));
  }

  /** Days before one and their domains. */
  names(toMs: number): readonly { readonly dayMs: number; readonly domain: string }[] {
    const names: { dayMs: number; domain: string }[] = [];
    this.#table.each(keyOf(0, ''), keyOf(toMs, ''), (key) => {
      names.push({ dayMs: dayOf(key), domain: Buffer.from(key).toString('utf8', dayBytes) });
      return true;
    });
    return names;
  }

  get(day: number, domain: string): DayOutcomes | undefined {
    return rowOf<DayOutcomes>(this.#table.get(keyOf(day, domain)));
  }

  sent(day: number, domain: string, to: string): Promise<void> {
    return this.#inTurn(() => {
      const known = this.get(day, domain);
      if (known === undefined) return [];
      return [put({ ...known, sentTo: [...known.sentTo, to] })];
    });
  }

  remove(day: number, domain: string): Promise<void> {
    return this.#inTurn(() => {
      if (this.get(day, domain) === undefined) return [];
      const left = (this.#domainCounts.get(day) ?? 0) - 1;
      if (left > 0) this.#domainCounts.set(day, left);
      else this.#domainCounts.delete(day);
      return [{ remove: keyOf(day, domain) }];
    });
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    await this.#table.close();
  }

  #added(day: number, { domain, policies }: DomainOutcomes): IndexChange[] {
    const known = this.get(day, domain);
    const count = this.#domainCounts.get(day) ?? 0;
    if (known === undefined && count >= domainsPerDayMax) {
      this.droppedCount++;
      return [];
    }
    if (known === undefined) this.#domainCounts.set(day, count + 1);
    const tally = new TlsTally();
    for (const each of [...(known?.policies ?? []), ...policies]) tally.add(each);
    const sentTo = known?.sentTo ?? [];
    return [put({ domain, dayMs: day, policies: tally.outcomes, sentTo })];
  }

  /** Each change sees what those before it made. */
  #inTurn(change: () => readonly IndexChange[]): Promise<void> {
    const done = this.#lastWrite.then(async () => {
      const changes = change();
      if (changes.length > 0) await this.#table.commit(changes);
    });
    this.#lastWrite = done.catch((error: unknown) => {
      this.#log.error({ error: String(error) }, 'outcomes of TLS sessions could not be kept');
    });
    return this.#lastWrite as Promise<void>;
  }
}

const dayBytes = 8;

/** By day, then by domain. */
function keyOf(day: number, domain: string): Buffer {
  const key = Buffer.alloc(dayBytes);
  key.writeBigUInt64BE(BigInt(day));
  return Buffer.concat([key, Buffer.from(domain)]);
}

function dayOf(key: Uint8Array): number {
  return Number(Buffer.from(key).readBigUInt64BE());
}

function put(outcomes: DayOutcomes): IndexChange {
  return putRow(keyOf(outcomes.dayMs, outcomes.domain), outcomes);
}
