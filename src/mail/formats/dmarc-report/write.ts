/**
 * Writes DMARC aggregate reports: the XML, and the mail that carries it.
 *
 * Runs in:   main thread; pure (time and boundary are arguments).
 * Specs:     RFC 9990 §3.1.1 (elements in order), §3.5.1 (Report-ID), §3.5.2 (mail, file name, subject), appendix A;
 *            RFC 3834 (Auto-Submitted).
 * Invariant: of a day, a domain and a serial it is the same report each time: id, file name and contents.
 */

import { Buffer } from 'node:buffer';
import { dayMs, secondMs } from '../../../base/units.ts';
import { formatDate } from '../date/format.ts';
import type { DmarcRecord, PublishedPolicy } from './report.ts';

export interface DmarcReportFacts {
  readonly organization: string;
  /** An address. */
  readonly contact: string;
  /** The day's beginning, in UTC. */
  readonly dayMs: number;
  /** Letters and digits by which reports of one day and domain differ; "" is none. */
  readonly serial: string;
  readonly policy: PublishedPolicy;
  readonly records: readonly DmarcRecord[];
  /** What is to be known of the report itself; "" is nothing. */
  readonly error: string;
}

/** RFC 9990 §3.5.1: receivers see by it that a report came twice. */
export function dmarcReportId(report: DmarcReportFacts): string {
  const { contact, dayMs: startMs, serial, policy } = report;
  const day = new Date(startMs).toISOString().slice(0, 10);
  const name = [day, serial, policy.domain].filter((part) => part !== '').join('.');
  return `${name}@${domainOf(contact)}`;
}

export function writeDmarcReport(report: DmarcReportFacts): string {
  const { organization, contact, dayMs: startMs, policy, records, error } = report;
  const begin = startMs / secondMs;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
    '<version>1.0</version>',
    '<report_metadata>',
    texts({ org_name: organization, email: contact, report_id: dmarcReportId(report) }),
    `<date_range>${texts({ begin, end: begin + dayMs / secondMs - 1 })}</date_range>`,
    error === '' ? '' : texts({ error }),
    texts({ generator: 'Chaski' }),
    '</report_metadata>',
    '<policy_published>',
    texts({ domain: policy.domain, discovery_method: policy.discovery, p: policy.p }),
    texts({ sp: policy.sp, np: policy.np, adkim: policy.adkim, aspf: policy.aspf }),
    texts({ testing: policy.isTesting ? 'y' : 'n' }),
    '</policy_published>',
    ...records.map(recordOf),
    '</feedback>',
    '',
  ]
    .filter((line, at, all) => line !== '' || at === all.length - 1)
    .join('\n');
}

function recordOf(record: DmarcRecord): string {
  const { sourceAddress, count, disposition, dkim, spf, reasons } = record;
  const { headerFrom, envelopeFrom, dkimResults, spfResults } = record;
  const why = reasons.map(
    ({ type, comment }) => `<reason>${texts({ type, ...(comment ? { comment } : {}) })}</reason>`,
  );
  const signatures = dkimResults.map(
    ({ domain, selector, result }) => `<dkim>${texts({ domain, selector, result })}</dkim>`,
  );
  const senders = spfResults.map(
    ({ domain, result }) => `<spf>${texts({ domain, scope: 'mfrom', result })}</spf>`,
  );
  return [
    '<record><row>',
    texts({ source_ip: sourceAddress, count }),
    `<policy_evaluated>${texts({ disposition, dkim, spf })}${why.join('')}</policy_evaluated>`,
    '</row>',
    // RFC 9990 §3.1.1.10: empty where the reverse-path is null.
    `<identifiers>${texts({ header_from: headerFrom, envelope_from: envelopeFrom })}</identifiers>`,
    `<auth_results>${signatures.join('')}${senders.join('')}</auth_results>`,
    '</record>',
  ].join('');
}

function texts(elements: Readonly<Record<string, string | number>>): string {
  return Object.entries(elements)
    .map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`)
    .join('');
}

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** What XML cannot hold is left out. */
function escaped(text: string): string {
  return text
    .replace(/[^\t -\uFFFD]|[\uD800-\uDFFF]/g, '')
    .replace(/[&<>]/g, (each) => references[each]!);
}

export interface DmarcReportMail {
  readonly report: DmarcReportFacts;
  readonly gzip: Uint8Array;
  readonly to: string;
  readonly nowMs: number;
  readonly boundary: string;
}

/** The whole message. */
export function writeDmarcReportMail({
  report,
  gzip,
  to,
  nowMs,
  boundary,
}: DmarcReportMail): string {
  const { contact, policy } = report;
  const submitter = domainOf(contact);
  const id = dmarcReportId(report);
  return [
    `Date: ${formatDate(nowMs)}`,
    `From: <${contact}>`,
    `To: <${to}>`,
    `Subject: Report Domain: ${policy.domain}`,
    ` Submitter: ${submitter}`,
    ` Report-ID: <${id}>`,
    `Message-ID: <${id}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is an aggregate DMARC report about ${policy.domain} from`,
    `${submitter}.`,
    '',
    `--${boundary}`,
    'Content-Type: application/gzip',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment;',
    ` filename="${fileName(report, submitter)}"`,
    '',
    ...(Buffer.from(gzip)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}

/** RFC 9990 §3.5.2. */
function fileName({ policy, dayMs: startMs, serial }: DmarcReportFacts, submitter: string): string {
  const start = startMs / secondMs;
  const end = start + dayMs / secondMs - 1;
  const unique = serial === '' ? [] : [serial];
  return `${[submitter, policy.domain, start, end, ...unique].join('!')}.xml.gz`;
}

function domainOf(contact: string): string {
  return contact.slice(contact.lastIndexOf('@') + 1).toLowerCase();
}
