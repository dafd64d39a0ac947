/** `chaski dmarc …`: what others report of mail that names our domains as its author's. */

import { readFile, stat } from 'node:fs/promises';
import type { DmarcSummary } from '../../actors/asks/dmarc-control.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import { dayMs, mebibyte, secondMs } from '../../base/units.ts';
import type { DmarcFailure } from '../../mail/formats/dmarc-report/failure-report.ts';
import { readDmarcReports } from '../../mail/formats/dmarc-report/read.ts';
import type { DmarcRecord, DmarcReport } from '../../mail/formats/dmarc-report/report.ts';
import { type Command, exitCodes, UsageError } from '../command.ts';
import { instant, table } from '../output.ts';

const fileBytesMax = 64 * mebibyte;
const daysDefault = 7;
const daysMax = 90;

const read: Command = {
  name: 'dmarc read',
  summary: 'Read DMARC reports that others sent: mails, or files they were in.',
  arguments: 'FILE...',
  argumentCount: [1, Number.POSITIVE_INFINITY],
  examples: ['dmarc read report.eml', 'dmarc read *.xml.gz *.zip --json'],
  notes:
    'A file is a mail with the report attached, or the report as .xml, .xml.gz or .zip. A report found twice counts once. Failure reports (one message each) are listed behind.',
  async run({ arguments: files, output }) {
    const reports = new Map<string, DmarcReport>();
    const failures: DmarcFailure[] = [];
    const unread: string[] = [];
    for (const file of files) {
      const { size } = await stat(file);
      const found =
        size > fileBytesMax
          ? { reports: [], failures: [] }
          : readDmarcReports(await readFile(file));
      if (found.reports.length + found.failures.length === 0) unread.push(file);
      // RFC 9990 §3.5.4: the same id from the same reporter is the same report.
      for (const each of found.reports) reports.set(keyOf(each), each);
      failures.push(...found.failures);
    }
    const answer = { reports: [...reports.values()].map(shown), failures, unread };
    output.result(answer, () => [
      ...table(
        ['DOMAIN', 'UNTIL', 'FROM', 'SOURCE', 'COUNT', 'DONE', 'DKIM', 'SPF', 'AUTHOR', 'WHY'],
        [...reports.values()].flatMap((report) => report.records.map((row) => line(report, row))),
      ),
      ...failures.map(
        ({ kind, domain, sourceAddress, reporter, headerFrom }) =>
          `failure: ${kind || '?'} of ${domain || headerFrom} from ${sourceAddress}, told by ${reporter}`,
      ),
    ]);
    for (const file of unread) output.fault('no-report', `${file}: no DMARC report`);
    return unread.length === files.length ? exitCodes.failed : undefined;
  },
};

function keyOf({ organization, id, policy }: DmarcReport): string {
  return [organization, id, policy.domain].join('\0');
}

/** With what is asked first: how many passed. */
function shown(report: DmarcReport) {
  const total = sum(report.records);
  const passed = sum(report.records.filter(({ dkim, spf }) => dkim === 'pass' || spf === 'pass'));
  return { ...report, messages: total, passed };
}

function sum(records: readonly DmarcRecord[]): number {
  return records.reduce((total, { count }) => total + count, 0);
}

function line({ policy, endMs, organization }: DmarcReport, row: DmarcRecord) {
  return [
    ...[policy.domain, instant(endMs - (endMs % secondMs)), organization],
    ...[row.sourceAddress, row.count, row.disposition, row.dkim, row.spf, row.headerFrom],
    row.reasons.map(({ type }) => type).join(', ') || '-',
  ];
}

const pending: Command = {
  name: 'dmarc pending',
  summary: 'List what we will report of mail in others’ names.',
  argumentCount: [0, 0],
  examples: ['dmarc pending --json'],
  notes:
    'A report is sent within hours after its day (UTC), where the domain asks for reports. BYTES are of its mail as it stands.',
  async run({ output, control }) {
    const found = await (await control()).call('dmarc.pending', {});
    output.result(found, ({ isOn, total, reports }) => {
      if (!isOn) return 'No reports are sent: dmarcReport.contact is not set.';
      if (reports.length === 0) return 'Nothing to report.';
      return [
        ...table(
          ['DOMAIN', 'DAY', 'MESSAGES', 'ROWS', 'BYTES', 'SENT', 'NEXT'],
          reports.map((each) => [
            ...[each.domain, instant(each.dayMs).slice(0, 10), each.messages, each.rows],
            ...[each.bytes === 0 ? '-' : each.bytes, each.sentTo.length],
            each.dueMs === 0 ? '-' : instant(each.dueMs),
          ]),
        ),
        ...(total > reports.length ? [`and ${total - reports.length} more`] : []),
      ];
    });
    return undefined;
  },
};

const summary: Command = {
  name: 'dmarc summary',
  summary: 'Show what others report of mail in the name of a domain.',
  argumentCount: [0, 0],
  options: {
    domain: { type: 'string', value: 'DOMAIN', doc: 'Of ours, with a policy of its own.' },
    days: { type: 'string', value: 'COUNT', doc: `Days that are reported of (${daysDefault}).` },
  },
  examples: ['dmarc summary --domain example.org --json'],
  notes:
    'Adds up reports that came by mail to dmarcReport.receivedAt. Those of mails that DMARC did not vouch for stand apart, for anybody may have written them.',
  async run({ options, output, control }) {
    const domain = options.text('domain');
    if (domain === undefined) throw new UsageError('--domain is missing');
    const days = options.number('days', 1, daysMax) ?? daysDefault;
    const sinceMs = nodeClock.nowMs() - days * dayMs;
    const found = await (await control()).call('dmarc.summary', { domain, sinceMs });
    output.result(found, ({ isOn, proven, unproven }) => [
      ...(isOn ? [] : ['No reports are taken: dmarcReport.receivedAt is not set.']),
      `${proven.messages} messages, ${proven.passed} passed, by ${proven.reports} reports`,
      ...(proven.sources.length === 0 ? [] : sourceLines(proven.sources)),
      ...(unproven.reports === 0
        ? []
        : [`${unproven.reports} reports of ${unproven.messages} messages may be forged`]),
    ]);
    return undefined;
  },
};

function sourceLines(sources: DmarcSummary['proven']['sources']) {
  return table(
    ['SOURCE', 'MESSAGES', 'PASSED', 'DKIM', 'SPF', 'QUARANTINED', 'REJECTED'],
    sources.map((each) => [
      ...[each.sourceAddress, each.messages, each.passed, each.dkim, each.spf],
      ...[each.quarantined, each.rejected],
    ]),
  );
}

export const dmarcCommands: readonly Command[] = [read, pending, summary];
