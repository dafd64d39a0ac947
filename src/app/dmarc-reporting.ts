/**
 * Joins the DMARC reports we send, what engine threads count, where it is kept and how they leave, and those we get.
 *
 * Runs in:   main thread.
 * Specs:     RFC 9990 §3.5.2: reports pass DMARC themselves, so the reporting domain signs them.
 */

import { join } from 'node:path';
import type { UpwardAnswers } from '../actors/ask.ts';
import { dmarcIntakeAsk } from '../actors/asks/dmarc-intake-asks.ts';
import type { Jobs } from '../actors/jobs.ts';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { createDns } from '../adapters/node/dns.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import type { Log } from '../base/log.ts';
import { gibibyte } from '../base/units.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { Settings } from '../settings/schema.ts';
import { DmarcOutcomes } from './dmarc-outcomes.ts';
import type { PendingReports } from './dmarc-pending.ts';
import { DmarcReceived } from './dmarc-received.ts';
import { DmarcReportSender } from './dmarc-report-sender.ts';
import { type ReportSubmitParts, submitReport } from './report-mail.ts';

export interface DmarcReportingRequest {
  readonly settings: Settings;
  readonly log: Log;
  readonly isOffline: boolean;
  readonly reportClock?: Clock;
}

export interface DmarcReporting {
  /** Messages that are in no report: their day or their domain had too much. */
  readonly droppedCount: number;
  /** What will be reported, what is tried next first. */
  pending(): Promise<PendingReports>;
}

export interface DmarcReceivedNeeds {
  readonly directory: Pick<AccountDirectory, 'domain'>;
  /** Once the engine runs. */
  readonly jobs: () => Jobs;
}

const mapBytes = 4 * gibibyte;
const receivedMapBytes = 8 * gibibyte;

/** Before the engine's threads, and closed behind them: they tell until they end. Undefined: nothing is reported. */
export function openDmarcOutcomes(
  { dmarcReport }: Settings,
  folder: string,
  log: Log,
  closers: (() => Promise<void>)[],
): DmarcOutcomes | undefined {
  if (dmarcReport.contact === '') return undefined;
  const table = openLmdbTable({ path: join(folder, 'dmarc-outcomes'), mapBytes });
  const outcomes = new DmarcOutcomes(table, log, nodeRandom);
  closers.push(() => outcomes.close());
  return outcomes;
}

/** In `data/dmarc-received`. Undefined: settings name no address for reports of others. */
export function openDmarcReceived(
  { dmarcReport }: Settings,
  folder: string,
  log: Log,
  { directory, jobs }: DmarcReceivedNeeds,
  closers: (() => Promise<void>)[],
): DmarcReceived | undefined {
  if (dmarcReport.receivedAt === '') return undefined;
  const path = join(folder, 'dmarc-received');
  const received = new DmarcReceived({
    table: openLmdbTable({ path, mapBytes: receivedMapBytes }),
    ...{ clock: nodeClock, log, jobs },
    isDomainOurs: async (name) => (await directory.domain(name)) !== undefined,
  });
  closers.push(() => received.close());
  return received;
}

/** What engine threads ask, by name. */
export function dmarcAnswers(received: DmarcReceived | undefined): UpwardAnswers {
  return received === undefined ? {} : { [dmarcIntakeAsk]: (ask) => received.take(ask) };
}

/** The engine runs. */
export function openDmarcReporting(
  { settings, log, isOffline, reportClock }: DmarcReportingRequest,
  outcomes: DmarcOutcomes | undefined,
  parts: ReportSubmitParts & { readonly closers: (() => Promise<void>)[] },
): DmarcReporting | undefined {
  if (outcomes === undefined) return undefined;
  const { contact, organization, except } = settings.dmarcReport;
  const domain = contact.slice(contact.lastIndexOf('@') + 1).toLowerCase();
  const sender = new DmarcReportSender({
    ...{ outcomes, contact, except, random: nodeRandom, log },
    organization: organization === '' ? domain : organization,
    clock: reportClock ?? nodeClock,
    dns: createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom }),
    mail: (mail) => submitReport(parts, { ...mail, contact, isTlsOptional: false }),
  });
  if (!isOffline) sender.start();
  parts.closers.push(() => sender.close());
  return {
    get droppedCount() {
      return outcomes.droppedCount;
    },
    pending: () => sender.pending(),
  };
}
