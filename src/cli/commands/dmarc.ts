/** `chaski dmarc …`: what others report of mail that names our domains as its author's. */

import { readFile, stat } from 'node:fs/promises';
import { mebibyte, secondMs } from '../../base/units.ts';
import type { DmarcFailure } from '../../mail/formats/dmarc-report/failure-report.ts';
import { readDmarcReports } from '../../mail/formats/dmarc-report/read.ts';
import type { DmarcRecord, DmarcReport } from '../../mail/formats/dmarc-report/report.ts';
import { type Command, exitCodes } from '../command.ts';
import { instant, table } from '../output.ts';

const fileBytesMax = 64 * mebibyte;

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

export const dmarcCommands: readonly Command[] = [read, pending];
