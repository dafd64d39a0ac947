/**
 * A report as Markdown: for a pull request, an issue, a page of results.
 *
 * Runs in: reports; pure.
 */

import type { RunReport } from '../measure/run-report.ts';
import {
  factsOf,
  latencyCells,
  latencyColumns,
  ledgerFacts,
  markSpan,
  rowsOf,
  troublesOf,
} from './summary.ts';

export function renderMarkdown(run: RunReport): string {
  const lines = [`# Load: ${cell(run.scenario)}`, ''];
  for (const [name, value] of factsOf(run)) lines.push(`- ${name}: ${cell(value)}`);
  const troubles = troublesOf(run);
  lines.push(
    '',
    ...(troubles.length === 0 ? ['All was well.'] : troubles.map((each) => `- **${cell(each)}**`)),
  );
  lines.push('', row(['group', 'operation', 'phase', ...latencyColumns]));
  lines.push(row(Array(3 + latencyColumns.length).fill('---')));
  for (const { group, operation, phase = '', latency } of rowsOf(run)) {
    lines.push(row([cell(group.name), cell(operation), cell(phase), ...latencyCells(latency)]));
  }
  const replies = rowsOf(run)
    .filter(({ phase }) => phase === undefined)
    .flatMap(({ group, report }) =>
      Object.entries(report.replies).map(([text, times]) =>
        row([cell(group.name), cell(text), `${times}`]),
      ),
    );
  if (replies.length > 0)
    lines.push('', row(['group', 'reply', 'times']), row(['---', '---', '---']), ...replies);
  if (run.thresholds.length > 0) {
    lines.push('', row(['threshold', 'value', 'met']), row(['---', '---', '---']));
    for (const { text, value, isMet } of run.thresholds)
      lines.push(row([cell(text), `${value}`, isMet ? 'yes' : '**no**']));
  }
  if (run.marks !== undefined) {
    lines.push('', row(['at', 'step', 'done']), row(['---', '---', '---']));
    for (const { second, endSecond, text, isDone } of run.marks)
      lines.push(row([markSpan(second, endSecond), cell(text), isDone ? 'yes' : '**no**']));
  }
  if (run.recount !== undefined) {
    lines.push('', row(['ledger', 'copies']), row(['---', '---']));
    lines.push(...ledgerFacts(run.recount).map(row));
  }
  return `${lines.join('\n')}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** What a server said is not markup. */
function cell(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/([|<>`\\[\]])/g, '\\$1');
}
