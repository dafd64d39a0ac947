/**
 * What will be reported of DMARC to others next, and how large it is.
 *
 * Runs in:   main thread.
 * Limits:    `pendingMax` reports are told of, one a turn, as this thread serves sessions; the mails of those that hold
 *            `measuredRowsMax` rows together are made and measured, one at a time.
 */

import { setImmediate } from 'node:timers/promises';
import type { PendingDmarcReport } from '../actors/asks/dmarc-control.ts';
import type { DmarcOutcomes } from './dmarc-outcomes.ts';

export const pendingMax = 1_000;
const measuredRowsMax = 20_000;

export interface PendingParts {
  readonly outcomes: Pick<DmarcOutcomes, 'names' | 'get' | 'records'>;
  readonly dueMs: (day: number, name: string) => number | undefined;
  /** Octets of its mail. */
  readonly measure: (day: number, name: string) => Promise<number>;
}

export interface PendingReports {
  readonly total: number;
  readonly reports: readonly PendingDmarcReport[];
}

/** What is tried next comes first, then days that are not over. */
export async function pendingReports(
  { outcomes, dueMs, measure }: PendingParts,
  rowsMax = measuredRowsMax,
): Promise<PendingReports> {
  const names = outcomes
    .names(Number.MAX_SAFE_INTEGER)
    .map((each) => ({ ...each, dueMs: dueMs(each.dayMs, each.domain) ?? 0 }))
    .sort((a, b) => (a.dueMs || Infinity) - (b.dueMs || Infinity) || a.dayMs - b.dayMs);
  const reports: PendingDmarcReport[] = [];
  let measuredRows = 0;
  for (const { dayMs: day, domain: name, dueMs: due } of names.slice(0, pendingMax)) {
    await setImmediate();
    const found = outcomes.get(day, name);
    // Sent meanwhile.
    if (found === undefined) continue;
    const { policy, rowCount, droppedCount, isSealed = false, sentTo } = found;
    measuredRows += rowCount;
    const messages = outcomes.records(day, name).reduce((sum, { count }) => sum + count, 0);
    reports.push({
      ...{ domain: policy.domain, dayMs: day, messages, rows: rowCount },
      ...{ droppedMessages: droppedCount, isLeaving: isSealed, sentTo, dueMs: due },
      bytes: measuredRows > rowsMax ? 0 : await measure(day, name),
    });
  }
  return { total: names.length, reports };
}
