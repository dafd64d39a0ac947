/** `chaski tls-report …`: what other servers report of TLS with ours, and what we will report of theirs. */

import type { PendingTlsReport, TlsReportView } from '../../actors/asks/tls-report-control.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import { dayMs } from '../../base/units.ts';
import type { Command } from '../command.ts';
import { instant, table } from '../output.ts';

const daysDefault = 7;
const daysMax = 90;

function why({ details }: TlsReportView): string {
  const counts = new Map<string, number>();
  for (const { resultType, sessions } of details) {
    counts.set(resultType, (counts.get(resultType) ?? 0) + sessions);
  }
  return [...counts].map(([type, count]) => `${type} ${count}`).join(', ') || '-';
}

const list: Command = {
  name: 'tls-report list',
  summary: 'List what other servers report of TLS with ours.',
  arguments: '[DOMAIN]',
  argumentCount: [0, 1],
  options: {
    days: { type: 'string', value: 'COUNT', doc: `Reports of the last days (${daysDefault}).` },
  },
  examples: ['tls-report list example.org --json'],
  notes: 'Reports come by HTTPS to public.url; `domain show` prints the record that asks for them.',
  async run({ arguments: [domain], options, output, control }) {
    const days = options.number('days', 1, daysMax) ?? daysDefault;
    const sinceMs = nodeClock.nowMs() - days * dayMs;
    const params = { sinceMs, ...(domain === undefined ? {} : { domain }) };
    const { reports } = await (await control()).call('tls-report.list', params);
    output.result(reports, (shown) =>
      shown.length === 0
        ? 'No reports.'
        : table(
            ['DOMAIN', 'UNTIL', 'FROM', 'POLICY', 'GOOD', 'FAILED', 'WHY'],
            shown.map((each) => [
              each.domain,
              instant(each.endMs),
              each.organization,
              each.type,
              each.successes,
              each.failures,
              why(each),
            ]),
          ),
    );
    return undefined;
  },
};

function outcomes({ policies }: PendingTlsReport): readonly [number, number, string] {
  const failures = policies.flatMap((each) => each.failures);
  const counts = new Map<string, number>();
  for (const { resultType, count } of failures) {
    counts.set(resultType, (counts.get(resultType) ?? 0) + count);
  }
  return [
    policies.reduce((sum, { successes }) => sum + successes, 0),
    failures.reduce((sum, { count }) => sum + count, 0),
    [...counts].map(([type, count]) => `${type} ${count}`).join(', ') || '-',
  ];
}

const pending: Command = {
  name: 'tls-report pending',
  summary: 'List what we will report of TLS with other servers.',
  argumentCount: [0, 0],
  examples: ['tls-report pending --json'],
  notes: 'A report is sent within hours after its day (UTC), where the domain asks for reports.',
  async run({ output, control }) {
    const found = await (await control()).call('tls-report.pending', {});
    output.result(found, ({ isOn, reports }) => {
      if (!isOn) return 'No reports are sent: tlsReport.contact is not set.';
      if (reports.length === 0) return 'Nothing to report.';
      return table(
        ['DOMAIN', 'DAY', 'POLICY', 'GOOD', 'FAILED', 'WHY', 'NEXT'],
        reports.map((each) => [
          each.domain,
          instant(each.dayMs).slice(0, 10),
          each.policies.map(({ policy }) => policy.type).join(', '),
          ...outcomes(each),
          each.dueMs === 0 ? '-' : instant(each.dueMs),
        ]),
      );
    });
    return undefined;
  },
};

export const tlsReportCommands: readonly Command[] = [list, pending];
