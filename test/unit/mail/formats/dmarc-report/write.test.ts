/** Aim: what is written says what it is made of, in the order of the schema. Method: written, and read again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readDmarcReports } from '../../../../../src/mail/formats/dmarc-report/read.ts';
import {
  type DmarcReportFacts,
  dmarcReportId,
  writeDmarcReport,
  writeDmarcReportMail,
} from '../../../../../src/mail/formats/dmarc-report/write.ts';

const report: DmarcReportFacts = {
  ...{ organization: 'A & <B>', contact: 'dmarc@here.test', dayMs: Date.UTC(2026, 0, 1) },
  serial: 'a1b2',
  policy: {
    ...{ domain: 'far.test', p: 'reject', sp: 'quarantine', np: 'reject', adkim: 'r', aspf: 's' },
    ...{ fo: '', isTesting: true, discovery: 'treewalk' },
  },
  error: '7 more',
  records: [
    {
      ...{
        sourceAddress: '2001:db8::1',
        count: 12,
        disposition: 'none',
        dkim: 'fail',
        spf: 'pass',
      },
      reasons: [{ type: 'policy_test_mode', comment: '' }],
      ...{ headerFrom: 'sub.far.test', envelopeFrom: '', envelopeTo: '' },
      dkimResults: [{ domain: 'a.test', selector: 's]]>\u0001<', result: 'fail' }],
      spfResults: [{ domain: 'far.test', result: 'pass' }],
    },
  ],
};

test('RFC 9990 §3.1.1: a report is read as it was written', () => {
  const [read] = readDmarcReports(Buffer.from(writeDmarcReport(report))).reports;
  assert.equal(read!.id, '2026-01-01.a1b2.far.test@here.test');
  assert.deepEqual([read!.startMs, read!.endMs], [report.dayMs, report.dayMs + 86_399_000]);
  assert.deepEqual(read!.policy, report.policy);
  assert.deepEqual([read!.organization, read!.errors], ['A & <B>', ['7 more']]);
  const [record] = report.records;
  const [signature] = record!.dkimResults;
  const expected = { ...record!, dkimResults: [{ ...signature!, selector: 's]]><' }] };
  assert.deepEqual(read!.records, [expected]);
});

test('RFC 9990 §3.1.1.2, .8, .9: elements stand in the order that is asked for', () => {
  const names = [...writeDmarcReport(report).matchAll(/<([a-z_]+)[ >]/g)].map(([, name]) => name);
  const orders = [
    ['version', 'report_metadata', 'policy_published', 'record'],
    ['row', 'identifiers', 'auth_results'],
    ['disposition', 'reason'],
    ['org_name', 'email', 'report_id', 'date_range', 'error', 'generator'],
  ];
  for (const order of orders) {
    const places = order.map((name) => names.indexOf(name));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      order.join(' '),
    );
    assert.ok(!places.includes(-1));
  }
});

test('RFC 9990 §3.5.2: the mail has the subject, the file name and the type that are asked for', () => {
  const gzip = gzipSync(writeDmarcReport(report));
  const facts = { report, gzip, to: 'in@far.test', nowMs: report.dayMs, boundary: 'b' };
  const mail = writeDmarcReportMail(facts);
  assert.match(
    mail,
    /^Subject: Report Domain: far\.test\r\n Submitter: here\.test\r\n Report-ID: <2026-[^>]+@here\.test>\r$/m,
  );
  assert.match(mail, /^Content-Type: application\/gzip\r$/m);
  assert.match(mail, /filename="here\.test!far\.test!1767225600!1767311999!a1b2\.xml\.gz"/);
  const [read] = readDmarcReports(Buffer.from(mail)).reports;
  assert.equal(read!.id, dmarcReportId(report));
  assert.ok(mail.split('\r\n').every((line) => line.length < 999));
});
