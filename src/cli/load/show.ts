/**
 * A load in the terminal: a line a second meanwhile, and what it found at the end.
 *
 * Runs in: load generator.
 */

import { describeAccount, describeLatency } from '../../harness/ledger/verdict.ts';
import type { RecountReport, RunReport } from '../../harness/measure/run-report.ts';
import { totalsOf } from '../../harness/measure/totals.ts';
import type { LoadRun } from '../../harness/run/load-run.ts';

/** A line a second on standard error. */
export function showProgress(load: LoadRun): () => void {
  const beganMs = performance.now();
  const timer = setInterval(() => {
    const line = `${Math.round((performance.now() - beganMs) / 1000)} s  ${liveLine(load)}`;
    process.stderr.write(process.stderr.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }, 1000);
  return () => {
    clearInterval(timer);
    if (process.stderr.isTTY) process.stderr.write('\n');
  };
}

function liveLine(load: LoadRun): string {
  const shares = load.live();
  const sum = (of: (share: (typeof shares)[number]) => number) =>
    shares.reduce((all, share) => all + of(share), 0);
  const p99 = Math.max(0, ...shares.map(({ latest }) => latest?.p99Ms ?? 0)).toFixed(1);
  const trouble = shares.map((share) => share.trouble).find((each) => each !== undefined);
  return (
    `${sum(({ ok }) => ok)} ok (${sum(({ latest }) => latest?.ok ?? 0)}/s)  ` +
    `${sum(({ refused }) => refused)} refused  ${sum(({ unknown }) => unknown)} unknown  ` +
    `p99 ${p99} ms${trouble === undefined ? '' : `  last closing: ${trouble}`}`
  );
}

export function describeReport(report: RunReport): string {
  const totals = totalsOf(report);
  const { ok, okPerSecond, refused, unknown, unsent, seconds, unstarted } = totals;
  const { copies, latency, replies, closings } = totals;
  const isMail = report.groups.every(({ protocol }) => protocol === 'smtp' || protocol === 'lmtp');
  const jobs = isMail ? 'messages' : 'operations';
  const counts = isMail
    ? `copies: ${copies.ok} acknowledged, ${copies.refused} refused, ` +
      `${copies.unknown} unknown, ${copies.unsent} unsent`
    : `${refused} refused, ${unknown} unknown, ${unsent} unsent`;
  const lines = [
    `${ok} ${jobs} in ${seconds.toFixed(2)} s: ${okPerSecond}/s`,
    `${counts}; ${unstarted} ${jobs} unstarted`,
    `latency      ${describeLatency(latency)}`,
  ];
  for (const { name, client, operations } of report.groups) {
    const by = client === undefined ? '' : `sent by ${client}`;
    if (report.groups.length > 1) lines.push(`group ${name}  ${by}`.trimEnd());
    else if (by !== '') lines.push(by);
    for (const [operation, { latency: whole, phases }] of Object.entries(operations)) {
      if (whole.count > 0 && operation !== 'message') {
        lines.push(`  ${operation.padEnd(15)} ${describeLatency(whole)}`);
      }
      for (const [phase, summary] of Object.entries(phases)) {
        lines.push(`  ${phase.padEnd(15)} ${describeLatency(summary)}`);
      }
    }
  }
  for (const [reply, count] of Object.entries(replies)) lines.push(`  ${count} × ${reply}`);
  for (const [detail, count] of Object.entries(closings)) {
    if (detail !== 'done') lines.push(`  ${count} × session ended: ${detail}`);
  }
  for (const { second, endSecond, text, isDone } of report.marks ?? []) {
    const span = endSecond === undefined ? `${second} s` : `${second} to ${endSecond} s`;
    lines.push(`  ${span}: ${text}${isDone ? '' : ' (NOT DONE)'}`);
  }
  const { recount } = report;
  if (recount !== undefined) lines.push(describeRecount(recount).trimEnd());
  for (const { text, isMet, value } of report.thresholds) {
    lines.push(`${isMet ? 'met   ' : 'MISSED'} ${text} (${Math.round(value * 1000) / 1000})`);
  }
  return `${lines.join('\n')}\n`;
}

function describeRecount({ account, faults, waitedSeconds }: RecountReport): string {
  const verdict = { ok: faults.length === 0, faults };
  return `the ledger, ${waitedSeconds} s after the run\n${describeAccount(account, verdict)}`;
}
