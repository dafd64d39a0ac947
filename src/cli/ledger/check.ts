/**
 * `chaski ledger check`: the account of a folder, held against thresholds.
 *
 * Runs in: the CLI's process.
 */

import { existsSync } from 'node:fs';
import { accountOf } from '../../harness/ledger/ledger-folder.ts';
import {
  countMetrics,
  latencyMetrics,
  parseLedgerThreshold,
} from '../../harness/ledger/thresholds.ts';
import { describeAccount, judge } from '../../harness/ledger/verdict.ts';
import type { Threshold } from '../../harness/measure/threshold.ts';
import type { LedgerValues } from './usage.ts';

export function check(folder: string, values: LedgerValues): number {
  const thresholds = thresholdsOf(values);
  if (!existsSync(folder)) throw new Error(`${folder}: no such folder`);
  const account = accountOf(folder);
  const judged = judge(account, thresholds);
  // What a gate lets through has to have been there.
  const empty = account.acknowledged > 0 ? [] : ['nothing was acknowledged: this proves nothing'];
  const faults = [...judged.faults, ...empty];
  const verdict = { ...judged, ok: faults.length === 0, faults };
  const text =
    values.json === true
      ? `${JSON.stringify({ ...account, verdict })}\n`
      : describeAccount(account, verdict);
  process.stdout.write(text);
  return verdict.ok ? 0 : 1;
}

/** Those of the options in the words of `--threshold`. */
function thresholdsOf(values: LedgerValues): readonly Threshold[] {
  const given = values as Readonly<Record<string, unknown>>;
  const texts: string[] = [];
  for (const metric of countMetrics) {
    const bound = given[`max-${metric}`];
    if (typeof bound === 'string') texts.push(`${metric} <= ${whole(`max-${metric}`, bound)}`);
  }
  for (const metric of latencyMetrics) {
    const bound = given[metric];
    if (typeof bound === 'string') texts.push(`${metric} <= ${milliseconds(metric, bound)}ms`);
  }
  return [...texts, ...(values.threshold ?? [])].map(parseLedgerThreshold);
}

/** A bound that is no number would never be passed. */
function whole(option: string, text: string): string {
  if (!/^\d{1,15}$/.test(text))
    throw new Error(`--${option} must be a whole number, not "${text}"`);
  return text;
}

function milliseconds(option: string, text: string): string {
  const match = /^(\d{1,12}(?:\.\d+)?)(?: ?ms)?$/.exec(text);
  if (match === null) throw new Error(`--${option} must be milliseconds, as 500, not "${text}"`);
  return match[1]!;
}
