/**
 * Aim:    reports go where a record asks for them, and to nobody who did not ask. Method: records in a zone.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  destinationsMax,
  dmarcDestinations,
  ruaOf,
} from '../../../../src/mail/trust/dmarc-report-record.ts';
import { type Zone, ZoneDns } from '../../../support/zone-dns.ts';

const TXT = (text: string) => [{ TXT: text }];
const asking = (rua: string, more: Zone = {}) => ({
  '_dmarc.far.test': TXT(`v=DMARC1; p=none; rua=${rua}`),
  ...more,
});
const places = async (zone: Zone, domain = 'far.test') => {
  const found = await dmarcDestinations(domain, new ZoneDns(zone));
  return found === 'wait' ? found : found.map(({ address }) => address);
};

test('RFC 9989 §4.7: places in the domain itself and in its organization need nobody else', async () => {
  assert.deepEqual(await places(asking('mailto:a@far.test, mailto:b@in.far.test')), [
    'a@far.test',
    'b@in.far.test',
  ]);
});

test('nobody asks: no record, no rua, two records, another version, another scheme', async () => {
  assert.deepEqual(await places({}), []);
  assert.deepEqual(await places({ '_dmarc.far.test': TXT('v=DMARC1; p=none') }), []);
  const two = TXT('v=DMARC1; p=none; rua=mailto:a@far.test');
  assert.deepEqual(await places({ '_dmarc.far.test': [...two, ...two] }), []);
  assert.deepEqual(await places({ '_dmarc.far.test': TXT('v=DMARC2; rua=mailto:a@far.test') }), []);
  assert.deepEqual(await places(asking('https://far.test/in,a@far.test,mailto:')), []);
});

test('RFC 9990 §4: a place outside wants to be asked, by any record with the version first', async () => {
  const outside = asking('mailto:in@other.test');
  const name = 'far.test._report._dmarc.other.test';
  assert.deepEqual(await places(outside), []);
  assert.deepEqual(await places({ ...outside, [name]: TXT('no; v=DMARC1') }), []);
  assert.deepEqual(await places({ ...outside, [name]: TXT('v=DMARC1;') }), ['in@other.test']);
  assert.deepEqual(await places({ ...outside, [name]: TXT('v=DMARC1') }), ['in@other.test']);
});

test('RFC 9990 §4 step 9: it may name another address of its host, and no other host', async () => {
  const outside = asking('mailto:in@other.test');
  const name = 'far.test._report._dmarc.other.test';
  const instead = (rua: string) => places({ ...outside, [name]: TXT(`v=DMARC1; rua=${rua}`) });
  assert.deepEqual(await instead('mailto:new@other.test'), ['new@other.test']);
  assert.deepEqual(await instead('mailto:in@victim.test'), []);
  assert.deepEqual(await instead('nothing'), []);
});

test('a DNS that does not answer is asked again later', async () => {
  assert.equal(await places({ '_dmarc.far.test': ['TIMEOUT'] }), 'wait');
  const outside = asking('mailto:in@other.test');
  assert.equal(await places({ ...outside, '_dmarc.other.test': ['TIMEOUT'] }), 'wait');
  const name = 'far.test._report._dmarc.other.test';
  assert.equal(await places({ ...outside, [name]: ['TIMEOUT'] }), 'wait');
});

test('a name too long to be asked for authorises nothing', async () => {
  const domain = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(40)}.test`;
  const zone = { [`_dmarc.${domain}`]: TXT('v=DMARC1; rua=mailto:in@a-long-host-name.test') };
  const dns = new ZoneDns(zone);
  assert.deepEqual(await dmarcDestinations(domain, dns), []);
  assert.ok(dns.asked.every((asked) => asked.length <= 253 + 4));
});

test('sizes are kept to, and only so many places are used', () => {
  const sizes = ['!10m', '!5k', '!7', '!1g', ''].map((size) => `mailto:a@far.test${size}`);
  assert.deepEqual(
    ruaOf(`v=DMARC1; rua=${sizes.join(',')}`).map(({ bytesMax }) => bytesMax),
    [10_485_760, 5_120, 7, 1_073_741_824, Number.POSITIVE_INFINITY],
  );
  const many = Array.from({ length: 9 }, (_, i) => `mailto:a${i}@far.test`).join(',');
  assert.equal(ruaOf(`v=DMARC1; rua=${many}`).length, destinationsMax);
  assert.deepEqual(ruaOf('v=DMARC1; rua=mailto:a%40b@far.test!x, mailto:a%zz@far.test'), []);
});
