/**
 * Judges a ledger's account against thresholds, and says it in words.
 *
 * Runs in: ledger, crash and bench runs.
 */

import type { LatencySummary } from '../measure/histogram.ts';
import type { ThresholdResult } from '../measure/run-report.ts';
import type { Threshold } from '../measure/threshold.ts';
import { findings, type LedgerAccount } from './account.ts';
import { completed, judgeLedger } from './thresholds.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly faults: readonly string[];
}

export interface JudgedAccount extends Verdict {
  readonly thresholds: readonly ThresholdResult[];
}

/** Of every finding none is allowed, but where a threshold says how many. */
export function judge(account: LedgerAccount, given: readonly Threshold[] = []): JudgedAccount {
  const thresholds = completed(given).map((threshold) => judgeLedger(threshold, account));
  const faults = thresholds
    .filter(({ isMet }) => !isMet)
    .map(({ text, value }) => `${text}: it is ${rounded(value)}`);
  return { ok: faults.length === 0, faults, thresholds };
}

export function describeAccount(account: LedgerAccount, verdict: Verdict): string {
  const { messages, copies, acknowledged, refused, unknown, unknownArrived } = account;
  const lines = [
    row('messages', `${messages} (${copies} copies)`),
    row('acknowledged', acknowledged),
    row('refused', refused),
    row('unknown', `${unknown} (${unknownArrived} of them arrived)`),
    row('arrived', account.arrived),
    row('seen', `${account.seen} (over IMAP)`),
    row('bounced', account.bounced),
    row('delayed', `${account.delayed} (told so, whatever came of it)`),
    row('reported', `${account.reported} (by webhook${foreign(account)})`),
  ];
  for (const finding of findings) {
    lines.push(row(finding, account[finding]), ...examples(account.examples[finding]));
  }
  lines.push(...describeOrder(account));
  if (account.endToEnd.count > 0) {
    lines.push(`DATA end to arrival       ${describeLatency(account.endToEnd)}`);
    lines.push(`intended start to arrival ${describeLatency(account.fromIntended)}`);
  }
  if (account.byInternalDate > 0) {
    lines.push(`(${account.byInternalDate} of them by internal date: up to 1 s too long)`);
  }
  lines.push(verdict.ok ? 'verdict: nothing missing' : `verdict: ${verdict.faults.join('; ')}`);
  return `${lines.join('\n')}\n`;
}

function describeOrder({ ordered, reordered, unordered, examples: all }: LedgerAccount): string[] {
  if (ordered === 0) {
    return [row('reordered', 'not known: no session sent one recipient several messages')];
  }
  const left = unordered === 0 ? '' : `; ${unordered} more not looked at`;
  return [
    row('reordered', `${reordered} of ${ordered} (within sessions${left})`),
    ...examples(all.reordered),
  ];
}

function foreign(account: LedgerAccount): string {
  return account.foreign === 0 ? '' : `; ${account.foreign} messages not of this ledger`;
}

function row(name: string, value: string | number): string {
  return `${name.padEnd(14)}${value}`;
}

function examples(ids: readonly string[]): string[] {
  return ids.map((id) => `    ${id}`);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function describeLatency(summary: LatencySummary): string {
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = summary;
  const parts = { p50: p50Ms, p90: p90Ms, p99: p99Ms, 'p99.9': p999Ms, max: maxMs };
  return Object.entries(parts)
    .map(([name, ms]) => `${name} ${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)}`)
    .join(', ')
    .concat(' ms');
}
