/**
 * Aim:    verdicts are those the RFCs' own test suites ask for.
 * Method: the SPF suite of RFC 7208, the ARC validation suite, and the corpus of Mail::DKIM, each with its own zone,
 *         through `verifyMessage`. Deviations are listed by name with their reason; a new one fails.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanHeaders } from '../../../../src/mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../../src/mail/formats/headers/unfold.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { addressOfReverseName } from '../../../../src/mail/trust/resolver.ts';
import { type VerifyRequest, verifyMessage } from '../../../../src/mail/trust/verify.ts';
import { canonical, dkimMessages, fixtureText } from '../../../support/mail-fixtures.ts';
import { arcCases, dkimCorpusDns, spfCases } from '../../../support/trust-cases/suites.ts';
import { type Zone, ZoneDns } from '../../../support/zone-dns.ts';

const plain: VerifyRequest = {
  message: Buffer.from('From: <a@example.org>\r\nSubject: hi\r\n\r\nbody\r\n'),
  sender: 'a@example.org',
  peerAddress: '192.0.2.1',
  helo: 'client.example.org',
  authservId: 'mx.example.net',
  nowMs: Date.now(),
};

test('SPF verdicts are those of the RFC 7208 suite', async (context) => {
  const deviations: string[] = [];
  let count = 0;
  for (const { name, client, dns, results } of spfCases()) {
    count++;
    const { verdicts } = await verifyMessage({ ...plain, ...client }, dns);
    if (!results.includes(verdicts.spf)) {
      deviations.push(`${name}: ${verdicts.spf} instead of ${results}`);
    }
  }
  context.diagnostic(`${count - deviations.length} of ${count} SPF cases agree`);
  assert.deepEqual(deviations, []);
});

/**
 * Where the suite, written against the ARC drafts, differs from RFC 8617: a signature without c= is simple/simple
 * (RFC 6376 §3.5), and h= must not be empty (RFC 6376 §6.1.1).
 */
const arcDeviations = [
  'ams_fields_c_na: fail instead of pass',
  'ams_fields_h_empty: fail instead of pass',
];

test('ARC verdicts are those of the validation suite', async (context) => {
  const deviations: string[] = [];
  let count = 0;
  for (const { name, message, dns, result } of arcCases()) {
    count++;
    const { verdicts } = await verifyMessage({ ...plain, message }, dns);
    if (verdicts.arc !== result) deviations.push(`${name}: ${verdicts.arc} instead of ${result}`);
  }
  context.diagnostic(`${count - deviations.length} of ${count} ARC cases agree`);
  assert.deepEqual(deviations, arcDeviations);
});

/** Of the current standard and with an algorithm of today: the rest of the corpus is of drafts or rsa-sha1. */
const corpusPasses = ['goodkey_ed25519'];

test('of the Mail::DKIM corpus nothing bad and nothing signed with rsa-sha1 passes', async (context) => {
  const dns = dkimCorpusDns();
  const passing: string[] = [];
  let weak = 0;
  for (const { name, bytes } of dkimMessages()) {
    const { verdicts, field } = await verifyMessage({ ...plain, message: bytes }, dns);
    if (verdicts.dkim === 'pass') passing.push(name);
    // RFC 8301 §3.1: rsa-sha1 MUST NOT be used; RFC 8601 §2.7.1 has `policy` for it.
    if (field.toString().includes('policy.dkim-rules=weak-algorithm')) weak++;
  }
  context.diagnostic(`${weak} valid or unchecked rsa-sha1 signatures are refused as weak`);
  assert.deepEqual(passing, corpusPasses);
  assert.ok(weak > 10);
});

const rsaKeyOfRfc8463 =
  'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/b' +
  'yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l' +
  '/K4w3QIDAQAB';

test('both signatures of the example of RFC 8463 pass', async () => {
  const message = canonical(Buffer.from(fixtureText('dkim/rfc8463-example.msg'), 'latin1'));
  const dns = new ZoneDns({
    'brisbane._domainkey.football.example.com': [
      { TXT: 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=' },
    ],
    'test._domainkey.football.example.com': [{ TXT: `v=DKIM1; k=rsa; p=${rsaKeyOfRfc8463}` }],
  });
  const { verdicts } = await verifyMessage({ ...plain, message }, dns);
  assert.deepEqual(verdicts.dkimDomains, ['football.example.com', 'football.example.com']);
});

const policyZone: Zone = {
  'example.org': [{ TXT: 'v=spf1 ip4:192.0.2.1 -all' }],
  '_dmarc.example.org': [{ TXT: 'v=DMARC1; p=reject' }],
};

test('the results field names us, every method and nothing else', async () => {
  const { verdicts, field } = await verifyMessage(plain, new ZoneDns(policyZone));
  assert.deepEqual(verdicts, {
    spf: 'pass',
    dkim: 'none',
    arc: 'none',
    dmarc: 'pass',
    dmarcPolicy: 'reject',
    dkimDomains: [],
  });
  const scan = scanHeaders(Buffer.concat([field, Buffer.from('\r\n')]));
  assert.equal(scan.count, 1);
  assert.match(
    unfoldedValue(scan, 0),
    /^mx\.example\.net; dkim=none .*spf=pass .*arc=none.*dmarc=pass/,
  );
});

test('a DNS that does not answer gives temporary errors, never a failure', async () => {
  const dns = new ZoneDns({ 'example.org': ['TIMEOUT'], '_dmarc.example.org': ['TIMEOUT'] });
  const { verdicts } = await verifyMessage(plain, dns);
  assert.equal(verdicts.spf, 'temperror');
  assert.equal(verdicts.dmarc, 'temperror');
});

test('the null sender is checked by its HELO name', async () => {
  const zone = { 'client.example.org': [{ TXT: 'v=spf1 a -all' }, { A: '192.0.2.1' }] };
  const { verdicts } = await verifyMessage({ ...plain, sender: '' }, new ZoneDns(zone));
  assert.equal(verdicts.spf, 'pass');
});

test('an IPv4 address mapped into IPv6 is checked as IPv4', async () => {
  const { verdicts } = await verifyMessage(
    { ...plain, peerAddress: '::ffff:192.0.2.1' },
    new ZoneDns(policyZone),
  );
  assert.equal(verdicts.spf, 'pass');
});

test('nothing a peer says can add a verdict', async () => {
  const evil = 'x;\r\n dkim=pass header.d=bank.example (';
  for (const request of [
    { ...plain, sender: `"${evil}"@example.org` },
    { ...plain, helo: evil, sender: '' },
    { ...plain, message: Buffer.from(`From: "${evil}" <a@example.org>\r\n\r\n`) },
  ]) {
    const { verdicts, field } = await verifyMessage(request, new ZoneDns(policyZone));
    assert.notEqual(verdicts.dkim, 'pass');
    const scan = scanHeaders(field);
    assert.equal(scan.count, 1);
    for (const part of unfoldedValue(scan, 0).split(';'))
      assert.doesNotMatch(part, /^\s*dkim=pass/);
  }
});

test('a message without From, or with two, has no DMARC pass', async () => {
  for (const header of ['Subject: x', 'From: a@example.org\r\nFrom: b@example.net']) {
    const message = Buffer.from(`${header}\r\n\r\nbody\r\n`);
    const { verdicts } = await verifyMessage({ ...plain, message }, new ZoneDns(policyZone));
    assert.notEqual(verdicts.dmarc, 'pass');
  }
});

test('generated keys verify what they sign, by their own record texts', () => {
  for (const algorithm of ['rsa-sha256', 'ed25519-sha256'] as const) {
    const key = generateDkimKey(algorithm, 's1');
    assert.match(key.privatePem, /^-----BEGIN PRIVATE KEY-----/);
    assert.match(key.recordText, /^v=DKIM1; k=(?:rsa|ed25519); p=[A-Za-z0-9+/]+=*$/);
  }
});

test('reverse names turn back into addresses', () => {
  assert.equal(addressOfReverseName('4.3.2.1.in-addr.arpa'), '1.2.3.4');
  assert.equal(
    addressOfReverseName(
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    ),
    '2001:0db8:0000:0000:0000:0000:0000:0001',
  );
});
