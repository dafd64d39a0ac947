/** Aim: an address has the labels of every network that holds it, and a file with a fault is not taken. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileLabels } from '../../../src/adapters/files/network-labels.ts';

test('an address has the labels of all networks around it, the widest first', () => {
  const labels = new FileLabels(`# networks
192.0.0.0/16 country:at
192.0.2.0/24 as:64496, Hoster  # a comment
192.0.2.7 bad
192.0.2.0/24 more
2001:db8::/32 country:nz\r
2001:db8:1::/48 as:64497
0.0.0.0/0 v4`);
  assert.equal(labels.count, 7);
  assert.deepEqual(labels.of('192.0.2.7'), [
    'v4',
    'country:at',
    'as:64496',
    'hoster',
    'more',
    'bad',
  ]);
  assert.deepEqual(labels.of('::ffff:192.0.3.7'), ['v4', 'country:at']);
  assert.deepEqual(labels.of('2001:db8:1::5'), ['country:nz', 'as:64497']);
  assert.deepEqual(labels.of('2001:db9::'), []);
  assert.deepEqual(labels.of('fe80::1%eth0'), []);
  assert.deepEqual(labels.of('unknown'), []);
  assert.deepEqual(new FileLabels('').of('192.0.2.7'), []);
});

test('a fault is told with its line', () => {
  const bad = (text: string, words: RegExp) => assert.throws(() => new FileLabels(text), words);
  bad('\n\n192.0.2.300 x', /line 3: "192.0.2.300" is not an address/);
  bad('192.0.2.0/33 x', /line 1: .*prefix/);
  bad('192.0.2.0/24 a!b', /line 1: "a!b" is no label/);
  bad(`192.0.2.0/24 ${Array.from({ length: 17 }, (_, i) => `l${i}`).join(' ')}`, /at most 16/);
});

test('labels of several networks are bounded together', () => {
  const of = (from: number) => Array.from({ length: 16 }, (_, i) => `l${from + i}`).join(' ');
  const labels = new FileLabels(`192.0.0.0/16 ${of(0)}\n192.0.2.0/24 ${of(16)}`);
  assert.equal(labels.of('192.0.2.1').length, 16);
});
