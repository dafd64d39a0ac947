/** Aim: RFC 8460 reports are read as they come, and nothing that comes gets past the limits. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  failuresMax,
  parseTlsReport,
  policiesMax,
  reportBytesMax,
} from '../../../../../src/mail/formats/tls-report/parse.ts';

/** The example of RFC 8460 appendix B. */
const example = {
  'organization-name': 'Company-X',
  'date-range': {
    'start-datetime': '2016-04-01T00:00:00Z',
    'end-datetime': '2016-04-01T23:59:59Z',
  },
  'contact-info': 'sts-reporting@company-x.example',
  'report-id': '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
  policies: [
    {
      policy: {
        'policy-type': 'sts',
        'policy-string': ['version: STSv1', 'mode: testing', 'mx: *.mail.company-y.example'],
        'policy-domain': 'Company-Y.example',
        'mx-host': ['*.mail.company-y.example'],
      },
      summary: {
        'total-successful-session-count': 5326,
        'total-failure-session-count': 303,
      },
      'failure-details': [
        {
          'result-type': 'certificate-expired',
          'sending-mta-ip': '2001:db8:abcd:0012::1',
          'receiving-mx-hostname': 'mx1.mail.company-y.example',
          'failed-session-count': 100,
        },
        {
          'result-type': 'validation-failure',
          'sending-mta-ip': '198.51.100.62',
          'receiving-mx-hostname': 'mx-backup.mail.company-y.example',
          'failed-session-count': 3,
          'failure-reason-code': 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
        },
      ],
    },
  ],
};

const parse = (value: unknown) => parseTlsReport(Buffer.from(JSON.stringify(value)));

test('RFC 8460 §4.4: the example of the RFC', () => {
  const report = parse(example)!;
  assert.equal(report.organization, 'Company-X');
  assert.equal(new Date(report.endMs).toISOString(), '2016-04-01T23:59:59.000Z');
  const [policy] = report.policies;
  assert.deepEqual(
    [policy!.type, policy!.domain, policy!.hosts, policy!.successes, policy!.failures],
    ['sts', 'company-y.example', ['*.mail.company-y.example'], 5_326, 303],
  );
  assert.deepEqual(policy!.details[1], {
    resultType: 'validation-failure',
    host: 'mx-backup.mail.company-y.example',
    sendingAddress: '198.51.100.62',
    sessions: 3,
    reason: 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
  });
});

test('one host as a name alone, and what is left out', () => {
  const policies = [{ policy: { 'policy-type': 'tlsa', 'mx-host': 'mx.test' } }];
  const [policy] = parse({ ...example, policies })!.policies;
  assert.deepEqual([policy!.hosts, policy!.successes, policy!.details], [['mx.test'], 0, []]);
});

test('what is no report is none', () => {
  for (const wrong of [
    { ...example, 'report-id': '' },
    { ...example, 'date-range': { 'start-datetime': 'then', 'end-datetime': 'now' } },
    { ...example, policies: [] },
    { ...example, policies: Array(policiesMax + 1).fill(example.policies[0]) },
    [],
    null,
    'text',
  ]) {
    assert.equal(parse(wrong), undefined);
  }
  assert.notEqual(
    parse({ ...example, policies: Array(policiesMax).fill(example.policies[0]) }),
    undefined,
  );
  assert.equal(parseTlsReport(Buffer.from('{"report-id":"\xff"}', 'latin1')), undefined);
  const padded = Buffer.alloc(reportBytesMax + 1, ' ');
  padded.write(JSON.stringify(example));
  assert.equal(parseTlsReport(padded), undefined);
});

test('texts are cut and made one printable line, counts are counts', () => {
  const [given] = example.policies;
  const policies = [
    {
      policy: { ...given!.policy, 'policy-type': `a\r\n\x1b[31m${'x'.repeat(900)}` },
      summary: { 'total-successful-session-count': -1, 'total-failure-session-count': 1e300 },
      'failure-details': Array(failuresMax + 5).fill(given!['failure-details'][0]),
    },
  ];
  const [policy] = parse({ ...example, policies })!.policies;
  assert.match(policy!.type, /^a {3}\[31mx+$/);
  assert.equal(policy!.type.length, 255);
  assert.deepEqual([policy!.successes, policy!.failures], [0, 0]);
  assert.equal(policy!.details.length, failuresMax);
});

test('no JSON makes it throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      parse(one);
      parse({ ...example, policies: [one, other, { policy: one, summary: other }] });
      parse({ ...example, policies: [{ ...example.policies[0], 'failure-details': [one] }] });
    }),
    { numRuns: 1_000 },
  );
});
