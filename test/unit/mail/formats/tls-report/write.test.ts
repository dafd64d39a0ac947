/** Aim: reports say what RFC 8460 wants, and what reads reports of others reads ours. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, secondMs } from '../../../../../src/base/units.ts';
import { resultTypeOf } from '../../../../../src/mail/formats/tls-report/outcomes.ts';
import { parseTlsReport } from '../../../../../src/mail/formats/tls-report/parse.ts';
import {
  failureKindsMax,
  policiesMax,
  TlsTally,
} from '../../../../../src/mail/formats/tls-report/tally.ts';
import {
  type TlsReportFacts,
  writeReportMail,
  writeTlsReport,
} from '../../../../../src/mail/formats/tls-report/write.ts';

const policy = {
  type: 'sts',
  domain: 'far.test',
  strings: ['version: STSv1', 'mode: testing'],
  hosts: ['*.far.test'],
} as const;
const failure = {
  resultType: 'certificate-expired',
  sendingAddress: '192.0.2.1',
  host: 'mx.far.test',
  address: '192.0.2.2',
  reason: 'certificate has expired',
} as const;
const none = { type: 'no-policy-found', domain: 'far.test', strings: [], hosts: [] } as const;
const startMs = Date.UTC(2026, 0, 2);
const report: TlsReportFacts = {
  ...{ organization: 'Here', contact: 'tls@Here.test', domain: 'far.test', dayMs: startMs },
  policies: [
    { policy, successes: 3, failures: [{ ...failure, count: 2 }] },
    { policy: none, successes: 1, failures: [] },
  ],
};

test('RFC 8460 §4.4: a report has the day, the contact, each policy with its counts and failures', () => {
  const json = JSON.parse(writeTlsReport(report));
  assert.deepEqual(json, {
    'organization-name': 'Here',
    'date-range': {
      'start-datetime': '2026-01-02T00:00:00Z',
      'end-datetime': '2026-01-02T23:59:59Z',
    },
    'contact-info': 'tls@Here.test',
    'report-id': '2026-01-02.far.test.here.test',
    policies: [
      {
        policy: {
          'policy-type': 'sts',
          'policy-string': ['version: STSv1', 'mode: testing'],
          'policy-domain': 'far.test',
          'mx-host': ['*.far.test'],
        },
        summary: { 'total-successful-session-count': 3, 'total-failure-session-count': 2 },
        'failure-details': [
          {
            'result-type': 'certificate-expired',
            'sending-mta-ip': '192.0.2.1',
            'receiving-mx-hostname': 'mx.far.test',
            'receiving-ip': '192.0.2.2',
            'failed-session-count': 2,
            'failure-reason-code': 'certificate has expired',
          },
        ],
      },
      {
        policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'far.test' },
        summary: { 'total-successful-session-count': 1, 'total-failure-session-count': 0 },
      },
    ],
  });
  const read = parseTlsReport(Buffer.from(writeTlsReport(report)))!;
  assert.deepEqual([read.startMs, read.endMs], [startMs, startMs + dayMs - secondMs]);
  assert.deepEqual(
    read.policies.map(({ successes, failures }) => [successes, failures]),
    [
      [3, 2],
      [1, 0],
    ],
  );
});

test('RFC 8460 §5.3: the mail is a report, with its domain, submitter and file name', () => {
  const gzip = Buffer.alloc(100, 7);
  const mail = writeReportMail({ report, gzip, to: 'a@far.test', nowMs: startMs, boundary: '=_b' });
  const [head = ''] = mail.split('\r\n\r\n', 1);
  const fields = head.replaceAll('\r\n ', ' ').split('\r\n');
  for (const field of [
    'From: <tls@Here.test>',
    'To: <a@far.test>',
    'Subject: Report Domain: far.test Submitter: here.test Report-ID: <2026-01-02.far.test.here.test>',
    'TLS-Report-Domain: far.test',
    'TLS-Report-Submitter: here.test',
    'Auto-Submitted: auto-generated',
    'Content-Type: multipart/report; report-type="tlsrpt"; boundary="=_b"',
  ]) {
    assert.equal(fields.includes(field), true, field);
  }
  const name = `here.test!far.test!${startMs / 1_000}!${startMs / 1_000 + 86_399}!day.json.gz`;
  assert.equal(mail.includes(`filename="${name}"`), true);
  const base64 = mail.slice(mail.lastIndexOf('"\r\n\r\n') + 5, mail.lastIndexOf('--=_b--'));
  assert.deepEqual(Buffer.from(base64, 'base64'), gzip);
  assert.equal(mail.endsWith('--=_b--\r\n'), true);
});

test('RFC 8460 §4.3.1: failures are told apart by what the check of the certificate said', () => {
  const faults = {
    'certificate has expired': 'certificate-expired',
    CERT_HAS_EXPIRED: 'certificate-expired',
    "Hostname/IP does not match certificate's altnames: x": 'certificate-host-mismatch',
    'DANE: the certificate is not for mx.test': 'certificate-host-mismatch',
    'self-signed certificate': 'certificate-not-trusted',
    'unable to verify the first certificate': 'certificate-not-trusted',
    'DANE: no TLSA record fits the certificate': 'validation-failure',
    'socket hang up': 'validation-failure',
  };
  for (const [fault, type] of Object.entries(faults))
    assert.equal(resultTypeOf(fault), type, fault);
});

test('kinds of failure and policies are bounded, and no session is lost in a count', () => {
  const tally = new TlsTally();
  for (let i = 0; i < 2 * failureKindsMax; i++) {
    tally.failure(policy, { ...failure, address: `192.0.2.${i}` });
  }
  const [{ failures }] = tally.outcomes as [(typeof tally.outcomes)[0]];
  assert.equal(failures.length <= failureKindsMax, true);
  assert.equal(
    failures.reduce((sum, { count }) => sum + count, 0),
    2 * failureKindsMax,
  );
  for (let i = 0; i < 2 * policiesMax; i++) tally.success({ ...policy, domain: `mx${i}.test` });
  assert.equal(tally.outcomes.length, policiesMax);
  assert.equal(
    tally.outcomes.reduce((sum, { successes }) => sum + successes, 0),
    2 * policiesMax,
  );
});
