/**
 * Writes TLS reports: the JSON, and the mail that carries it.
 *
 * Runs in:   main thread; pure (time, id and boundary are arguments).
 * Specs:     RFC 8460 §4.4 (JSON), §5.1 (file name), §5.3 (mail); RFC 6522 (multipart/report); RFC 3834
 *            (Auto-Submitted).
 */

import { Buffer } from 'node:buffer';
import { dayMs, secondMs } from '../../../base/units.ts';
import { formatDate } from '../date/format.ts';
import type { TlsFailureFacts, TlsPolicyFacts } from './outcomes.ts';

export interface CountedFailure extends TlsFailureFacts {
  readonly count: number;
}

/** What became of the sessions under one policy. */
export interface PolicyOutcomes {
  readonly policy: TlsPolicyFacts;
  readonly successes: number;
  readonly failures: readonly CountedFailure[];
}

export interface TlsReportFacts {
  readonly organization: string;
  /** An address. */
  readonly contact: string;
  /** Whose servers it is about. */
  readonly domain: string;
  /** The day's beginning, in UTC. */
  readonly dayMs: number;
  readonly policies: readonly PolicyOutcomes[];
}

/** The same each time it is made: receivers see by it that a report came twice. */
export function reportIdOf({ contact, domain, dayMs: startMs }: TlsReportFacts): string {
  return `${instant(startMs).slice(0, 10)}.${domain}.${submitterOf(contact)}`;
}

export function writeTlsReport(report: TlsReportFacts): string {
  const { organization, contact, dayMs: startMs, policies } = report;
  return JSON.stringify({
    'organization-name': organization,
    'date-range': {
      'start-datetime': instant(startMs),
      'end-datetime': instant(startMs + dayMs - secondMs),
    },
    'contact-info': contact,
    'report-id': reportIdOf(report),
    policies: policies.map(({ policy, successes, failures }) => ({
      policy: {
        'policy-type': policy.type,
        ...(policy.strings.length === 0 ? {} : { 'policy-string': policy.strings }),
        'policy-domain': policy.domain,
        ...(policy.hosts.length === 0 ? {} : { 'mx-host': policy.hosts }),
      },
      summary: {
        'total-successful-session-count': successes,
        'total-failure-session-count': failures.reduce((sum, { count }) => sum + count, 0),
      },
      ...(failures.length === 0 ? {} : { 'failure-details': failures.map(failureOf) }),
    })),
  });
}

function failureOf(failure: CountedFailure) {
  const { resultType, sendingAddress, host, address, reason, count } = failure;
  return {
    'result-type': resultType,
    ...(sendingAddress === '' ? {} : { 'sending-mta-ip': sendingAddress }),
    ...(host === '' ? {} : { 'receiving-mx-hostname': host }),
    ...(address === '' ? {} : { 'receiving-ip': address }),
    'failed-session-count': count,
    ...(reason === '' ? {} : { 'failure-reason-code': reason }),
  };
}

export interface ReportMail {
  readonly report: TlsReportFacts;
  readonly gzip: Uint8Array;
  readonly to: string;
  readonly nowMs: number;
  readonly boundary: string;
}

/** The whole message. RFC 8460 §5.3: the domain and the submitter stand in fields of their own, and in the subject. */
export function writeReportMail({ report, gzip, to, nowMs, boundary }: ReportMail): string {
  const { contact, domain } = report;
  const submitter = submitterOf(contact);
  const id = reportIdOf(report);
  return [
    `Date: ${formatDate(nowMs)}`,
    `From: <${contact}>`,
    `To: <${to}>`,
    `Subject: Report Domain: ${domain}`,
    ` Submitter: ${submitter}`,
    ` Report-ID: <${id}>`,
    `Message-ID: <${id}@${submitter}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${submitter}`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type="tlsrpt";',
    ` boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is an aggregate TLS report about ${domain} from`,
    `${submitter}.`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
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

/** RFC 8460 §5.1. */
function fileName({ domain, dayMs: startMs }: TlsReportFacts, submitter: string): string {
  const start = startMs / secondMs;
  return [submitter, domain, start, start + dayMs / secondMs - 1, 'day.json.gz'].join('!');
}

export function submitterOf(contact: string): string {
  return contact.slice(contact.lastIndexOf('@') + 1).toLowerCase();
}

function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
