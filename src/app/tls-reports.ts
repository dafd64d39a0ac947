/**
 * Keeps the TLS reports that came for our domains.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §5.4 (by HTTPS; gzip).
 * Limits:    `perMinuteMax` reports, `perNetworkMax` of one network; of a domain `keptPerDomainMax`, the oldest go first, none older than `keptMs`.
 * Invariant: a report is on disk when it is answered; the same one twice is one. Only what it says of our domains is
 *            kept.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { Counter } from '../base/metrics.ts';
import { networkOf } from '../base/networks.ts';
import { RecentMap } from '../base/recent-map.ts';
import { dayMs, gibibyte, minuteMs } from '../base/units.ts';
import {
  parseTlsReport,
  reportBytesMax,
  type TlsPolicyReport,
  type TlsReport,
} from '../mail/formats/tls-report/parse.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { IndexChange, ShardIndex } from '../ports/shard-index.ts';
import { putRow, rowKey, rowOf } from './day-rows.ts';

export interface TlsReportsParts {
  /** Our own, in lower case. */
  readonly hostname: string;
  readonly table: ShardIndex;
  readonly clock: Clock;
  isDomainOurs(name: string): Promise<boolean>;
}

/** One policy of one report. */
export interface KeptTlsReport extends TlsPolicyReport {
  readonly organization: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
}

export type ReportVerdict = 'taken' | 'known' | 'invalid' | 'not-ours' | 'too-many';

export const perMinuteMax = 600;
/** So one network is not in the way of the others' reports. */
export const perNetworkMax = 60;
export const keptPerDomainMax = 5_000;
const countedDomainsMax = 10_000;
export const keptMs = 90 * dayMs;
/** How far a report's end may lie ahead of our clock. */
const aheadMsMax = 2 * dayMs;
const listedMax = 1_000;
const mapBytes = gibibyte;
const expand = promisify(gunzip);

export class TlsReports {
  readonly #parts: TlsReportsParts;
  #minute = 0;
  #inMinute = 0;
  /** In this minute, no more than `perMinuteMax`. */
  readonly #byNetwork = new Map<string, number>();
  /** How many rows a domain has, as far as this was needed. */
  readonly #kept = new RecentMap<string, number>(countedDomainsMax);
  #lastWrite: Promise<unknown> = Promise.resolve();
  sessions: { readonly success: Counter; readonly failure: Counter } | undefined;

  constructor(parts: TlsReportsParts) {
    this.#parts = parts;
  }

  /** `address`: who brings it. */
  async take(bytes: Uint8Array, address: string): Promise<ReportVerdict> {
    if (!this.#hasRoom(networkOf(address))) return 'too-many';
    const json = await expanded(bytes);
    const report = json === undefined ? undefined : parseTlsReport(json);
    const nowMs = this.#parts.clock.nowMs();
    if (report === undefined || report.endMs > nowMs + aheadMsMax) return 'invalid';
    if (report.endMs < nowMs - keptMs) return 'invalid';
    const own: TlsPolicyReport[] = [];
    for (const policy of report.policies) {
      if (await this.#isOurs(policy)) own.push(policy);
    }
    if (own.length === 0) return 'not-ours';
    const done = this.#lastWrite.then(() => this.#write(report, own));
    this.#lastWrite = done.catch(() => {});
    return await done;
  }

  /** RFC 8460 §4.4: with DANE, the domain is the name of a host, which mail for many domains goes to. */
  async #isOurs({ type, domain }: TlsPolicyReport): Promise<boolean> {
    if (type === 'tlsa' && domain === this.hostname) return true;
    return await this.#parts.isDomainOurs(domain);
  }

  /** Where reports about our host stand, beside those about our domains. */
  get hostname(): string {
    return this.#parts.hostname;
  }

  /** What ended last comes first. */
  list(domain: string, sinceMs: number): readonly KeptTlsReport[] {
    const { table } = this.#parts;
    const rows = table.range({ ...rangeOf(domain, sinceMs), reverse: true, limit: listedMax });
    return rows.map(({ value }) => rowOf<KeptTlsReport>(value));
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    await this.#parts.table.close();
  }

  #hasRoom(network: string): boolean {
    const minute = Math.floor(this.#parts.clock.monotonicMs() / minuteMs);
    if (minute !== this.#minute) {
      this.#inMinute = 0;
      this.#byNetwork.clear();
    }
    this.#minute = minute;
    const ofNetwork = this.#byNetwork.get(network) ?? 0;
    if (ofNetwork >= perNetworkMax || this.#inMinute >= perMinuteMax) return false;
    this.#inMinute++;
    this.#byNetwork.set(network, ofNetwork + 1);
    return true;
  }

  async #write(report: TlsReport, own: readonly TlsPolicyReport[]): Promise<ReportVerdict> {
    const { table } = this.#parts;
    const changes: IndexChange[] = [];
    const counts = new Map<string, number>();
    const { organization, id, startMs, endMs } = report;
    for (const policy of own) {
      const key = keyOf(report, policy);
      if (table.get(key) !== undefined) continue;
      counts.set(policy.domain, (counts.get(policy.domain) ?? 0) + 1);
      const row: KeptTlsReport = { organization, id, startMs, endMs, ...policy };
      changes.push(putRow(key, row));
      this.sessions?.success.inc(policy.successes);
      this.sessions?.failure.inc(policy.failures);
    }
    if (counts.size === 0) return 'known';
    for (const [domain, count] of counts) changes.push(...this.#makeRoom(domain, count));
    try {
      await table.commit(changes);
    } catch (error) {
      this.#kept.clear();
      throw error;
    }
    return 'taken';
  }

  /** Removes what is past its time, and the oldest of a domain that would have too many. */
  #makeRoom(domain: string, count: number): IndexChange[] {
    const { table, clock } = this.#parts;
    const { from, to } = rangeOf(domain, 0);
    const known = this.#kept.get(domain) ?? table.range({ from, to }).length;
    const past = table.range({ from, to: rangeOf(domain, clock.nowMs() - keptMs).from });
    const excess = known + count - keptPerDomainMax;
    const oldest = excess > past.length ? table.range({ from, to, limit: excess }) : past;
    this.#kept.set(domain, known + count - oldest.length);
    return oldest.map(({ key }) => ({ remove: key }));
  }
}

/** In `data/tls-reports`. */
export function openTlsReports(
  folder: string,
  hostname: string,
  directory: AccountDirectory,
  closers: (() => Promise<void>)[],
): TlsReports {
  const reports = new TlsReports({
    table: openLmdbTable({ path: join(folder, 'tls-reports'), mapBytes }),
    ...{ clock: nodeClock, hostname: hostname.toLowerCase() },
    isDomainOurs: async (name) => (await directory.domain(name)) !== undefined,
  });
  closers.push(() => reports.close());
  return reports;
}

/** Undefined: neither JSON nor gzip, or more than a report is. */
async function expanded(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await expand(bytes, { maxOutputLength: reportBytesMax });
  } catch {
    return undefined;
  }
}

/** By domain, then by end: domains hold no NUL. */
function keyOf({ organization, id, endMs }: TlsReport, { domain, type, hosts }: TlsPolicyReport) {
  const name = JSON.stringify([organization, id, type, hosts]);
  return rowKey(rangeOf(domain, endMs).from, name);
}

function rangeOf(domain: string, sinceMs: number): { readonly from: Buffer; readonly to: Buffer } {
  const since = Buffer.alloc(6);
  since.writeUIntBE(Math.max(0, sinceMs), 0, 6);
  return {
    from: Buffer.concat([Buffer.from(`${domain}\0`), since]),
    to: Buffer.from(`${domain}\x01`),
  };
}
