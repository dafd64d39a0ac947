/** Aim: what an operator copies into a zone is right. Method: records of one domain, read back. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceOf } from '../../../../src/mail/formats/client-config/services.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { dnsRecordsFor, zoneLine } from '../../../../src/mail/trust/dns-records.ts';

const keys = [generateDkimKey('rsa-sha256', 'r1'), generateDkimKey('ed25519-sha256', 'e1')];
const asked = { domain: 'example.org', hostname: 'mx.example.net', keys, policyId: '' };
const records = dnsRecordsFor({ ...asked, services: [], webHost: '' });

test('a domain needs MX, SPF, one DKIM record per key, and DMARC', () => {
  assert.deepEqual(
    records.map(({ name, type }) => `${name} ${type}`),
    [
      'example.org MX',
      'example.org TXT',
      'r1._domainkey.example.org TXT',
      'e1._domainkey.example.org TXT',
      '_dmarc.example.org TXT',
    ],
  );
});

test('long texts are split into strings of at most 255 bytes that join to the same text', () => {
  const record = records.find(({ name }) => name.startsWith('r1.'))!;
  const line = zoneLine(record);
  const strings = [...line.matchAll(/"([^"]*)"/g)].map((match) => match[1]!);
  assert.ok(strings.length > 1);
  for (const text of strings) assert.ok(text.length <= 255);
  assert.equal(strings.join(''), record.value);
  assert.match(line, /^r1\._domainkey\.example\.org\. IN TXT \( .* \)$/);
});

test('short texts are one string and MX hosts end with a dot', () => {
  assert.equal(zoneLine(records[0]!), 'example.org. IN MX 10 mx.example.net.');
  assert.equal(zoneLine(records[1]!), 'example.org. IN TXT "v=spf1 mx -all"');
});

// RFC 7208 §5.6.
test('addresses that mail leaves by may send for the domain', () => {
  const sources = ['192.0.2.10', '2001:db8::10'];
  const [, spf] = dnsRecordsFor({ ...asked, services: [], webHost: '', sources });
  assert.equal(spf!.value, 'v=spf1 mx ip4:192.0.2.10 ip6:2001:db8::10 -all');
});

// RFC 6186 §3, RFC 8314 §5.1, RFC 5804 §1.8.
test('services are SRV records, the preferred ones first', () => {
  const services = [
    serviceOf('imaps', 'mail.example.net', 993),
    serviceOf('submissions', 'mail.example.net', 465),
    serviceOf('pop3', 'mail.example.net', 2110),
    serviceOf('managesieve', 'mail.example.net', 4190),
  ];
  const lines = dnsRecordsFor({ ...asked, services, webHost: '' }).slice(records.length);
  assert.deepEqual(lines.map(zoneLine), [
    '_imaps._tcp.example.org. IN SRV 0 1 993 mail.example.net.',
    '_submissions._tcp.example.org. IN SRV 10 1 465 mail.example.net.',
    '_pop3._tcp.example.org. IN SRV 20 1 2110 mail.example.net.',
    '_sieve._tcp.example.org. IN SRV 30 1 4190 mail.example.net.',
  ]);
  assert.match(lines[0]!.purpose, /IMAP is, with TLS from the first byte/);
  assert.match(lines[2]!.purpose, /POP3 is, with STARTTLS/);
  assert.match(lines[3]!.purpose, /ManageSieve \(filters\) is, with STARTTLS/);
});

test('with a public web host there are the names that programs look for', () => {
  const web = dnsRecordsFor({ ...asked, services: [], webHost: 'web.example.net' });
  assert.deepEqual(web.slice(records.length).map(zoneLine), [
    'autoconfig.example.org. IN CNAME web.example.net.',
    'autodiscover.example.org. IN CNAME web.example.net.',
    '_autodiscover._tcp.example.org. IN SRV 0 1 443 web.example.net.',
  ]);
});

// RFC 8461 §3.1, RFC 8460 §3.
test('with a policy there are the records that lead to it, and to where reports go', () => {
  const way = { services: [], webHost: 'web.example.net', policyId: '0a1b' };
  const lines = dnsRecordsFor({ ...asked, ...way })
    .slice(records.length)
    .map(zoneLine);
  assert.deepEqual(lines.slice(0, 3), [
    '_mta-sts.example.org. IN TXT "v=STSv1; id=0a1b"',
    'mta-sts.example.org. IN CNAME web.example.net.',
    '_smtp._tls.example.org. IN TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"',
  ]);
});
