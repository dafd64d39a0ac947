/**
 * Aim:    the quick path judges up to each of its limits, and leaves to mailauth what is beyond.
 * Method: one message and one zone a limit, at it and one over; at it, both must say the same.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instancesMax } from '../../../../src/mail/trust/arc.ts';
import { verifyQuickly } from '../../../../src/mail/trust/quick/quick.ts';
import { signaturesMax } from '../../../../src/mail/trust/verify.ts';
import { compare, plain } from '../../../support/trust-cases/compare.ts';
import { published } from '../../../support/trust-cases/keys.ts';
import {
  arcSet,
  type MailParts,
  signatureField,
  wholeOf,
} from '../../../support/trust-cases/signer.ts';
import { type Zone, ZoneDns, type ZoneRecord } from '../../../support/zone-dns.ts';

const { key, record } = published.plain!;
const mail: MailParts = { fields: ['From: ann@example.org', 'Subject: hi'], body: 'words\r\n' };

const listMaking = { key, domain: 'list.test', selector: 'plain', names: ['from'], form: '' };

/** Verdicts of the reference, and whether the quick path had them too. */
async function judged(zone: Zone, message: Uint8Array = wholeOf(mail)) {
  const { isJudged, verdicts } = await compare('limit', { ...plain, message }, new ZoneDns(zone));
  return { isJudged, ...verdicts };
}

function spf(terms: string, more: Zone = {}): Zone {
  return { ...more, 'example.org': [{ TXT: `v=spf1 ${terms} -all` }] };
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

test('RFC 7208 §4.6.4: ten look-ups of SPF', async () => {
  const zone = (count: number) => {
    const names = times(count, (i) => `e${i}.test`);
    const hosts = Object.fromEntries(names.map((name) => [name, [{ A: '192.0.2.9' }]]));
    return spf(names.map((name) => `a:${name}`).join(' '), hosts);
  };
  assert.partialDeepStrictEqual(await judged(zone(10)), { isJudged: true, spf: 'fail' });
  assert.partialDeepStrictEqual(await judged(zone(11)), { isJudged: false, spf: 'permerror' });
});

test('RFC 7208 §4.6.4: two look-ups of SPF that find nothing', async () => {
  const found = await judged(spf('a:v1.test a:v2.test'));
  assert.partialDeepStrictEqual(found, { isJudged: true, spf: 'fail' });
  const over = await judged(spf('a:v1.test a:v2.test a:v3.test'));
  assert.partialDeepStrictEqual(over, { isJudged: false, spf: 'permerror' });
});

test('RFC 7208 §4.6.4: ten servers of one mx', async () => {
  const zone = (count: number) =>
    spf('mx:many.test', { 'many.test': times(count, (i) => ({ MX: [i, `h${i}.many.test`] })) });
  assert.partialDeepStrictEqual(await judged(zone(10)), { isJudged: true, spf: 'fail' });
  assert.partialDeepStrictEqual(await judged(zone(11)), { isJudged: false, spf: 'permerror' });
});

test('RFC 7208 §4.6.4: ten names of one address', async () => {
  const zone = (count: number) => {
    const names = times(count, (i) => ({ PTR: i === count - 1 ? 'last.test' : `h${i}.test` }));
    const own = { '1.2.0.192.in-addr.arpa': names, 'last.test': [{ A: '192.0.2.1' }] };
    return spf('ptr:last.test', own);
  };
  assert.partialDeepStrictEqual(await judged(zone(10)), { isJudged: true, spf: 'pass' });
  assert.partialDeepStrictEqual(await judged(zone(11)), { isJudged: true, spf: 'fail' });
});

test('RFC 9989 §4.10.2: ten identifiers to align, and ten signatures', async () => {
  const zone: Zone = {
    ...spf('ip4:192.0.2.1'),
    'plain._domainkey.other.test': [{ TXT: record }],
    '_dmarc.example.org': [{ TXT: 'v=DMARC1; p=reject' }],
  };
  const signed = (count: number) => {
    const making = { key, domain: 'other.test', selector: 'plain', names: ['from'], form: '' };
    const signatures = times(count, () => signatureField(mail, making));
    return wholeOf({ ...mail, fields: [...signatures, ...mail.fields] });
  };
  assert.equal((await judged(zone, signed(9))).isJudged, true);
  assert.equal((await judged(zone, signed(10))).isJudged, false);
  const other = { ...zone, ...spf('') };
  assert.equal((await judged(other, signed(signaturesMax))).isJudged, true);
  assert.equal((await judged(other, signed(signaturesMax + 1))).isJudged, false);
});

test('RFC 8617 §4.2.1: fifty ARC sets', async () => {
  const zone = { 'plain._domainkey.list.test': [{ TXT: record }] };
  let whole = mail;
  for (let i = 1; i <= instancesMax + 1; i++) {
    if (i === instancesMax + 1) {
      const found = await judged(zone, wholeOf(whole));
      assert.partialDeepStrictEqual(found, { isJudged: true, arc: 'pass' });
    }
    const set = arcSet(whole, listMaking, i, 'list.test; spf=pass', i === 1 ? 'none' : 'pass');
    whole = { ...whole, fields: [...set, ...whole.fields] };
  }
  const over = await judged(zone, wholeOf(whole));
  assert.partialDeepStrictEqual(over, { isJudged: false, arc: 'fail' });
});

test('records of 2,048 characters', async () => {
  const padded = (text: string, length: number): ZoneRecord[] => [
    { TXT: text.padEnd(length, 'x') },
  ];
  const making = { key, domain: 'example.org', selector: 's', names: ['from'], form: '' };
  const signed = wholeOf({ ...mail, fields: [signatureField(mail, making), ...mail.fields] });
  for (const [name, text] of [
    ['example.org', 'v=spf1 -all x='],
    ['_dmarc.example.org', 'v=DMARC1; p=none; x='],
    ['s._domainkey.example.org', `${record}; n=`],
  ] as const) {
    const zone = { 's._domainkey.example.org': [{ TXT: record }] };
    const at = await judged({ ...zone, [name]: padded(text, 2_048) }, signed);
    assert.partialDeepStrictEqual(at, { isJudged: true, dkim: 'pass' }, name);
    assert.equal(
      (await judged({ ...zone, [name]: padded(text, 2_049) }, signed)).isJudged,
      false,
      name,
    );
  }
});

test('a body length of fifteen digits', async () => {
  const signed = (digits: number) => {
    const more = [`l=${'9'.repeat(digits)}`];
    const making = { key, domain: 'example.org', selector: 's', names: ['from'], form: '', more };
    return wholeOf({ ...mail, fields: [signatureField(mail, making), ...mail.fields] });
  };
  const zone = { 's._domainkey.example.org': [{ TXT: record }] };
  const at = await judged(zone, signed(15));
  assert.partialDeepStrictEqual(at, { isJudged: true, dkim: 'pass' });
  assert.equal((await judged(zone, signed(16))).isJudged, false);
});

test('names longer than a line are folded as mailauth folds them', async () => {
  const domain = `${times(4, () => 'l'.repeat(55)).join('.')}.org`;
  const whole = { ...mail, fields: [`From: ann@${domain}`] };
  const making = { key, domain, selector: 's'.repeat(60), names: ['from'], form: '' };
  const message = wholeOf({ ...whole, fields: [signatureField(whole, making), ...whole.fields] });
  assert.equal((await judged({}, message)).isJudged, true);
});

test('a From of 1,024 characters', async () => {
  const from = (length: number) => {
    const value = `${'n'.repeat(length - 18)} <ann@example.org>`;
    return wholeOf({ ...mail, fields: [`From: ${value}`] });
  };
  assert.equal((await judged({}, from(1_024))).isJudged, true);
  assert.equal((await judged({}, from(1_025))).isJudged, false);
});

/** Of processor: other work of the machine is none of ours. */
const linearMsMax = 2_000;

test('what is made to be read twice at each character is read in linear time', async () => {
  const blank = ' '.repeat(1_000);
  const dns = new ZoneDns(spf(`a:a.${'a'.repeat(1_900)}_`));
  const messages: Uint8Array[] = [
    `${blank}"<>`,
    `${blank}<a@b.test>x`,
    `"${blank}"${blank}<a@b.test`,
    `a@b.test${blank}(${blank}`,
  ].map((from) => Buffer.from(`From:${from}\r\n\r\n`));
  const results = ['= '.repeat(30_000), '('.repeat(60_000), `="a"${'='.repeat(60_000)}"`];
  const sets = results.map((found) => arcSet(mail, listMaking, 1, found, 'none'));
  messages.push(...sets.map((set) => wholeOf({ ...mail, fields: [...set, ...mail.fields] })));
  messages.push(wholeOf(mail));
  const started = process.cpuUsage();
  for (const message of messages) {
    for (let i = 0; i < 10; i++) {
      const found = await verifyQuickly({ ...plain, message }, '192.0.2.1', signaturesMax, dns);
      assert.equal(found, undefined);
    }
  }
  const { user, system } = process.cpuUsage(started);
  const tookMs = (user + system) / 1_000;
  assert.ok(tookMs < linearMsMax, `${tookMs} ms`);
});
