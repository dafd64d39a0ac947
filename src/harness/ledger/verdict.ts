/**
 * Judges a ledger's account against thresholds, and says it in words.
 *
 * Runs in: ledger, crash runs.
 */

import type { LatencySummary } from '../measure/histogram.ts';
import { type Finding, findings, type LedgerAccount } from './ledger-join.ts';

/** The most of each finding that still passes; 0 where absent. */
export type Thresholds = Readonly<Partial<Record<Finding, number>>>;

export interface Verdict {
  readonly ok: boolean;
  readonly faults: readonly string[];
}

export function judge(account: LedgerAccount, thresholds: Thresholds = {}): Verdict {
  const faults: string[] = [];
  for (const finding of findings) {
    const countMax = thresholds[finding] ?? 0;
    if (account[finding] > countMax) {
      faults.push(`${finding}: ${account[finding]}, at most ${countMax} allowed`);
    }
  }
  return { ok: faults.length === 0, faults };
}

export function describeAccount(account: LedgerAccount, verdict: Verdict): string {
  const lines = [
    `messages      ${account.messages} (${account.copies} copies)`,
    `acknowledged  ${account.acknowledged}`,
    `refused       ${account.refused}`,
    `unknown       ${account.unknown} (${account.unknownArrived} of them arrived)`,
    `arrived       ${account.arrived}`,
    `bounced       ${account.bounced}`,
  ];
  for (const finding of findings) {
    lines.push(`${finding.padEnd(14)}${account[finding]}`);
    for (const example of account.examples[finding]) lines.push(`    ${example}`);
  }
  if (account.endToEnd.count > 0) {
    lines.push(`DATA end to arrival       ${describeLatency(account.endToEnd)}`);
    lines.push(`intended start to arrival ${describeLatency(account.fromIntended)}`);
  }
  lines.push(verdict.ok ? 'verdict: nothing missing' : `verdict: ${verdict.faults.join('; ')}`);
  return `${lines.join('\n')}\n`;
}

export function describeLatency(summary: LatencySummary): string {
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = summary;
  const parts = { p50: p50Ms, p90: p90Ms, p99: p99Ms, 'p99.9': p999Ms, max: maxMs };
  return Object.entries(parts)
    .map(([name, ms]) => `${name} ${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)}`)
    .join(', ')
    .concat(' ms');
}
