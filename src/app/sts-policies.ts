/**
 * The MTA-STS policies of other domains: fetched when mail goes there, kept over restarts as long as they hold.
 *
 * Runs in:   main thread; engine threads ask.
 * Specs:     RFC 8461 §3.1 (a new id: fetch again), §3.3 (no retry for five minutes, fetch again before its end), §5.1
 *            (a policy holds until its end, though its record or its host be gone).
 * Limits:    `keptMax` policies and `keptBytesMax` of them, the oldest go first; `fetchesMax` fetches at a time: past
 *            it the answer is "failed", and the mail waits.
 * Invariant: a policy that holds is never forgotten for a failure: whoever cuts off its host gains nothing.
 */

import { Buffer } from 'node:buffer';
import type { TlsSessionCounts } from '../actors/asks/tls-session-asks.ts';
import type { Log } from '../base/log.ts';
import { RecentMap } from '../base/recent-map.ts';
import { dayMs, mebibyte, minuteMs, secondMs } from '../base/units.ts';
import { reasonOf, type TlsResultType } from '../mail/formats/tls-report/outcomes.ts';
import {
  parseStsPolicy,
  policyBytesMax,
  type StsPolicy,
  stsRecordId,
} from '../mail/trust/mta-sts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Dns } from '../ports/dns.ts';
import type { PolicyHosts, PolicyText } from '../ports/policy-hosts.ts';
import type { ShardIndex } from '../ports/shard-index.ts';

export interface StsPoliciesOptions {
  readonly dns: Dns;
  readonly hosts: PolicyHosts;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a policy is first asked for. */
  readonly openTable: () => ShardIndex;
}

interface Kept {
  readonly id: string;
  readonly policy: StsPolicy;
  readonly fetchedMs: number;
  readonly bytes: number;
}

const keptMax = 20_000;
const keptBytesMax = 16 * mebibyte;
const fetchesMax = 256;
const failuresMax = 10_000;
const retryMs = 5 * minuteMs;
const allRows = { from: Buffer.of(0), to: Buffer.of(0xff) } as const;

export class StsPolicies {
  /** Where failures are counted that the other domain is told of. */
  tell: ((counts: TlsSessionCounts) => void) | undefined;
  readonly #options: StsPoliciesOptions;
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #asked = new Map<string, Promise<StsPolicy | undefined | 'failed'>>();
  readonly #fetches = new Set<string>();
  /** When the last fetch of a domain failed, on the monotonic clock. */
  readonly #failedMs = new RecentMap<string, number>(failuresMax);
  #keptBytes = 0;
  #table: ShardIndex | undefined;
  #isOpen = false;

  constructor(options: StsPoliciesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#kept.size;
  }

  /** `domain` in lower-case A-labels. */
  of(domain: string): Promise<StsPolicy | undefined | 'failed'> {
    const known = this.#asked.get(domain);
    if (known !== undefined) return known;
    const asked = this.#lookUp(domain).finally(() => this.#asked.delete(domain));
    this.#asked.set(domain, asked);
    return asked;
  }

  async close(): Promise<void> {
    await this.#table?.close();
  }

  async #lookUp(domain: string): Promise<StsPolicy | undefined | 'failed'> {
    this.#open();
    const answer = await this.#options.dns.txt(`_mta-sts.${domain}`);
    const id = answer.ok ? stsRecordId(answer.records) : undefined;
    const kept = this.#valid(domain);
    if (id === undefined || this.#failedLately(domain)) return kept?.policy;
    if (kept?.id === id) {
      const mayFetch = this.#fetches.size < fetchesMax && !this.#fetches.has(domain);
      if (this.#isAging(kept) && mayFetch) void this.#fetch(domain, id);
      return kept.policy;
    }
    if (this.#fetches.size >= fetchesMax) return kept?.policy ?? 'failed';
    await this.#fetch(domain, id);
    return this.#valid(domain)?.policy;
  }

  #valid(domain: string): Kept | undefined {
    const kept = this.#kept.get(domain);
    if (kept === undefined || this.#options.clock.nowMs() < endMs(kept)) return kept;
    this.#drop(domain);
    return undefined;
  }

  #failedLately(domain: string): boolean {
    const failedMs = this.#failedMs.get(domain);
    return failedMs !== undefined && this.#options.clock.monotonicMs() - failedMs < retryMs;
  }

  /** RFC 8461 §10.2: so that whoever blocks the host has to do so for as long as the policy holds. */
  #isAging({ fetchedMs, policy }: Kept): boolean {
    const ageMs = this.#options.clock.nowMs() - fetchedMs;
    return ageMs > Math.min(dayMs, (policy.maxAgeSeconds * secondMs) / 2);
  }

  async #fetch(domain: string, id: string): Promise<void> {
    const { hosts, clock, log } = this.#options;
    this.#fetches.add(domain);
    const answer = await hosts.fetch(domain, policyBytesMax);
    this.#fetches.delete(domain);
    const policy = answer.ok ? parseStsPolicy(answer.text) : undefined;
    if (policy === undefined) {
      this.#failedMs.set(domain, clock.monotonicMs());
      const detail = answer.ok ? 'it is no policy' : answer.detail;
      log.warn({ domain, detail }, 'an MTA-STS policy could not be fetched');
      this.tell?.(failureOf(domain, answer, clock.nowMs()));
      return;
    }
    this.#keep(domain, { id, policy, fetchedMs: clock.nowMs() });
  }

  #keep(domain: string, kept: Omit<Kept, 'bytes'>): void {
    const value = Buffer.from(JSON.stringify(kept));
    this.#remember(domain, { ...kept, bytes: value.length });
    this.#write([{ put: Buffer.from(domain), value }]);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax && this.#keptBytes <= keptBytesMax) break;
      this.#drop(oldest);
    }
  }

  #remember(domain: string, kept: Kept): void {
    this.#keptBytes += kept.bytes - (this.#kept.get(domain)?.bytes ?? 0);
    this.#kept.delete(domain);
    this.#kept.set(domain, kept);
  }

  #drop(domain: string): void {
    this.#keptBytes -= this.#kept.get(domain)?.bytes ?? 0;
    this.#kept.delete(domain);
    this.#write([{ remove: Buffer.from(domain) }]);
  }

  #write(changes: Parameters<ShardIndex['commit']>[0]): void {
    const { log } = this.#options;
    this.#table?.commit(changes).catch((error: unknown) => {
      // What is not written is fetched again after the next start.
      log.warn({ error: String(error) }, 'MTA-STS policies could not be kept');
    });
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    try {
      this.#table = this.#options.openTable();
      for (const [domain, kept] of rowsOf(this.#table)) this.#remember(domain, kept);
    } catch (error) {
      // Mail does not wait for it: policies are fetched again, and kept in memory.
      this.#options.log.error({ error: String(error) }, 'kept MTA-STS policies cannot be read');
    }
    const nowMs = this.#options.clock.nowMs();
    for (const [domain, kept] of this.#kept) if (endMs(kept) <= nowMs) this.#drop(domain);
  }
}

/** RFC 8460 §4.3.2.2: a fetch that failed counts as one session, whatever mail does. */
function failureOf(domain: string, answer: PolicyText, sinceMs: number): TlsSessionCounts {
  let resultType: TlsResultType = 'sts-policy-invalid';
  if (!answer.ok) {
    resultType = answer.isUntrusted === true ? 'sts-webpki-invalid' : 'sts-policy-fetch-error';
  }
  const reason = answer.ok ? 'it is no policy' : reasonOf(answer.detail);
  const host = `mta-sts.${domain}`;
  const failure = { resultType, sendingAddress: '', host, address: '', reason, count: 1 };
  const policy = { type: 'sts', domain, strings: [], hosts: [] } as const;
  return {
    sinceMs,
    domains: [{ domain, policies: [{ policy, successes: 0, failures: [failure] }] }],
  };
}

/** The oldest first. */
function rowsOf(table: ShardIndex): readonly (readonly [string, Kept])[] {
  const found: [string, Kept][] = [];
  for (const { key, value } of table.range(allRows)) {
    const text = Buffer.from(value).toString();
    found.push([Buffer.from(key).toString(), { ...JSON.parse(text), bytes: value.length }]);
  }
  return found.sort(([, a], [, b]) => a.fetchedMs - b.fetchedMs);
}

function endMs({ fetchedMs, policy }: Kept): number {
  return fetchedMs + policy.maxAgeSeconds * secondMs;
}
