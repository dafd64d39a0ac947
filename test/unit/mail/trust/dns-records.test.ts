/** Aim: what an operator copies into a zone is right. Method: records of one domain, read back. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { dnsRecordsFor, zoneLine } from '../../../../src/mail/trust/dns-records.ts';

const keys = [generateDkimKey('rsa-sha256', 'r1'), generateDkimKey('ed25519-sha256', 'e1')];
const records = dnsRecordsFor({ domain: 'example.org', hostname: 'mx.example.net', keys });

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
