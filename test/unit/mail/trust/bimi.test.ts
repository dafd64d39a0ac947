/** Aim: an indicator is found only for who proved to be its domain. Method: records in a zone. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bimiOf, lookUpBimi, readBimiRecord } from '../../../../src/mail/trust/bimi.ts';
import { type Zone, ZoneDns } from '../../../support/zone-dns.ts';

const enforced = { dmarc: 'pass', dmarcPolicy: 'reject' } as const;
const location = 'https://far.test/logo.svg';
const authority = 'https://far.test/vmc.pem';
const TXT = (...texts: readonly string[]) => texts.map((text) => ({ TXT: text }));
const record = `v=BIMI1; l=${location}; a=${authority}`;
const question = { author: 'a.far.test', organization: 'far.test', selector: 'default' };
const lookUp = (zone: Zone, more: object = {}) =>
  lookUpBimi({ ...question, verdicts: enforced, ...more }, new ZoneDns(zone));

test('§7.2: the record of the author domain, else of its organization', async () => {
  const found = { result: 'found', selector: 'default', location, authority };
  const own = { 'default._bimi.a.far.test': TXT(record) };
  assert.deepEqual(await lookUp(own), { ...found, domain: 'a.far.test' });
  const above = { 'default._bimi.far.test': TXT(record) };
  assert.deepEqual(await lookUp(above), { ...found, domain: 'far.test' });
  assert.deepEqual(await lookUp({}), { result: 'none' });
  assert.deepEqual(await lookUp({ 'brand._bimi.far.test': TXT(record) }, { selector: 'brand' }), {
    ...{ ...found, domain: 'far.test', selector: 'brand' },
  });
});

test('§7.1: nobody is asked where DMARC failed, or its policy lets others in', async () => {
  for (const verdicts of [
    { dmarc: 'fail', dmarcPolicy: 'reject' },
    { dmarc: 'none', dmarcPolicy: 'none' },
    { dmarc: 'temperror', dmarcPolicy: 'reject' },
    { dmarc: 'pass', dmarcPolicy: 'none' },
  ] as const) {
    const dns = new ZoneDns({ 'default._bimi.a.far.test': TXT(record) });
    assert.deepEqual(await lookUpBimi({ ...question, verdicts }, dns), { result: 'skipped' });
    assert.deepEqual(dns.asked, []);
  }
});

test('a DNS that does not answer, two records and a bad selector', async () => {
  assert.deepEqual(await lookUp({ 'default._bimi.a.far.test': ['TIMEOUT'] }), {
    result: 'temperror',
  });
  assert.deepEqual(await lookUp({ 'default._bimi.a.far.test': TXT(record, record) }), {
    result: 'fail',
  });
  for (const selector of ['', 'a..b', '-a', 'a b', '.', 'x'.repeat(64)]) {
    assert.deepEqual(await lookUp({}, { selector }), { result: 'fail' }, selector);
  }
});

test('§4.2: what a record says', () => {
  assert.deepEqual(readBimiRecord(record), { location, authority });
  assert.deepEqual(readBimiRecord(`v=BIMI1;l=${location}`), { location, authority: '' });
  assert.equal(readBimiRecord('v=BIMI1; l=; a=;'), 'declined');
  for (const text of [
    'v=BIMI1',
    'v=BIMI2; l=',
    `l=${location}; v=BIMI1`,
    'v=BIMI1; l=http://far.test/logo.svg',
    `v=BIMI1; l=${location}; a=http://far.test/vmc.pem`,
    `v=BIMI1; l=${location}; l=${location}`,
    'v=BIMI1; l=https://',
    `v=BIMI1; l=https://far.test/${'x'.repeat(1_000)}`,
    `v=BIMI1; l=; a=${authority}`,
  ]) {
    assert.equal(readBimiRecord(text), undefined, text);
  }
});

test('a message is asked for by its author, where that is plain', async () => {
  const zone = {
    'default._bimi.far.test': TXT(record),
    '_dmarc.far.test': TXT('v=DMARC1; p=reject'),
  };
  const of = async (header: string) =>
    (await bimiOf(Buffer.from(`${header}\r\n\r\n`), enforced, new ZoneDns(zone))).result;
  assert.equal(await of('From: Ann <ann@a.far.test>'), 'found');
  assert.equal(await of('From: ann@far.test\r\nFrom: eve@evil.test'), 'skipped');
  assert.equal(await of('Subject: x'), 'skipped');
});
