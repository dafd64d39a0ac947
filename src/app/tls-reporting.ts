/**
 * Joins the TLS reports we send: what engine threads count, where it is kept, and how reports leave.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §5.3: reports by mail are signed by the reporting domain, and go whatever becomes of TLS.
 * Invariant: a report by HTTPS reaches no address that mail may not go to.
 */

import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { createDns } from '../adapters/node/dns.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { createWebPoster } from '../adapters/node/web-poster.ts';
import { isDialable } from '../base/dialable.ts';
import type { Log } from '../base/log.ts';
import { plainAddress } from '../base/networks.ts';
import { gibibyte, minuteMs } from '../base/units.ts';
import { submitterOf } from '../mail/formats/tls-report/write.ts';
import type { Clock } from '../ports/clock.ts';
import type { Settings } from '../settings/schema.ts';
import type { Outside } from './outside.ts';
import { type ReportSubmitParts, submitReport } from './report-mail.ts';
import { type DayOutcomes, TlsOutcomes } from './tls-outcomes.ts';
import { TlsReportSender } from './tls-report-sender.ts';

export interface TlsReportingRequest {
  readonly settings: Settings;
  readonly log: Log;
  readonly isOffline: boolean;
  readonly reportClock?: Clock;
}

export interface TlsReportingParts extends ReportSubmitParts {
  readonly outcomes: TlsOutcomes | undefined;
  readonly outside: Pick<Outside, 'forThreads' | 'policies'>;
  readonly closers: (() => Promise<void>)[];
}

export interface TlsReporting {
  /** Counts of domains that are in no report: their day had too many. */
  readonly droppedCount: number;
  /** What will be reported, oldest first. */
  pending(limit: number): readonly (DayOutcomes & { readonly dueMs: number })[];
}

const mapBytes = gibibyte;
const postMsMax = minuteMs;

/** Before the engine's threads, and closed behind them: they tell until they end. Undefined: nothing is reported. */
export function openTlsOutcomes(
  { tlsReport }: Settings,
  folder: string,
  log: Log,
  closers: (() => Promise<void>)[],
): TlsOutcomes | undefined {
  if (tlsReport.contact === '') return undefined;
  const table = openLmdbTable({ path: join(folder, 'tls-sessions'), mapBytes });
  const outcomes = new TlsOutcomes(table, log);
  closers.push(() => outcomes.close());
  return outcomes;
}

/** The engine runs. Undefined: settings have nothing reported. */
export function openTlsReporting(
  { settings, log, isOffline, reportClock }: TlsReportingRequest,
  parts: TlsReportingParts,
): TlsReporting | undefined {
  const { outcomes, outside, closers } = parts;
  const { contact, organization } = settings.tlsReport;
  if (outcomes === undefined) return undefined;
  if (outside.policies !== undefined) {
    outside.policies.tell = (counts) => void outcomes.add(counts);
  }
  const clock = reportClock ?? nodeClock;
  const dns = createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom });
  const mayDial = (address: string) =>
    settings.relay.privateTargets || (isDialable(address) && !isOwn(address));
  const sender = new TlsReportSender({
    ...{ outcomes, dns, clock, random: nodeRandom, log, contact },
    organization: organization === '' ? submitterOf(contact) : organization,
    poster: createWebPoster({
      ...{ dns, mayDial, timeoutMs: postMsMax, roots: outside.forThreads.relayRoots },
    }),
    // RFC 8460 §5.3: reports go despite failures of TLS.
    mail: (mail) => submitReport(parts, { ...mail, contact, isTlsOptional: true }),
  });
  if (!isOffline) sender.start();
  closers.push(() => sender.close());
  return {
    get droppedCount() {
      return outcomes.droppedCount;
    },
    pending: (limit) =>
      outcomes.list(0, Number.MAX_SAFE_INTEGER, limit).map((each) => ({
        ...{ ...each, dueMs: sender.dueMs(each.dayMs, each.domain) ?? 0 },
      })),
  };
}

/** Asked each time: addresses come and go. */
function isOwn(given: string): boolean {
  const address = plainAddress(given);
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.some((own) => own.address === address);
}
