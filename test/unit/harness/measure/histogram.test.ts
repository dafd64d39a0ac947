/**
 * Aim: a histogram holds what was recorded, whenever it is read in between, as HdrHistogram itself would.
 * Method: the same values into the library's own, over all orders of magnitude.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import encoding from 'hdr-histogram-js/dist/encoding.js';
import int32Histogram from 'hdr-histogram-js/dist/Int32Histogram.js';
import { Histogram } from '../../../../src/harness/measure/histogram.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';

const microsMax = 3_600_000_000;

test('recorded values stand where the library puts them', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  const ours = new Histogram();
  const theirs = new int32Histogram.default(1, microsMax, 3);
  const record = (micros: number) => {
    ours.record(micros / 1000);
    theirs.recordValue(micros);
  };
  for (const power of Array.from({ length: 32 }, (_, at) => 2 ** at)) {
    for (const near of [power - 1, power, power + 1])
      if (near >= 1 && near <= microsMax) record(near);
  }
  record(microsMax);
  for (let i = 0; i < 20_000; i++) {
    record(Math.max(1, Math.round(microsMax ** random.fraction())));
    // Reading moves what was recorded, and loses nothing.
    if (i % 7_000 === 0) ours.percentileMs(50);
  }
  assert.equal(ours.encode(), encoding.encodeIntoCompressedBase64(theirs), `seed ${seed}`);
  for (const each of [1, 50, 90, 99, 99.9]) {
    const expected = Math.min(theirs.getValueAtPercentile(each), theirs.maxValue) / 1000;
    assert.equal(ours.percentileMs(each), expected, `p${each}, seed ${seed}`);
  }
});

test('ends are told exactly, also of one value and of two in one place', () => {
  const one = new Histogram();
  one.record(5_000.123);
  assert.deepEqual(
    [one.summary().minMs, one.summary().maxMs, one.count],
    [5_000.123, 5_000.123, 1],
  );
  one.record(5_000.124);
  assert.deepEqual(
    [one.summary().minMs, one.summary().maxMs, one.count],
    [5_000.123, 5_000.124, 2],
  );
  const sum = new Histogram();
  sum.record(0.5);
  sum.add(one);
  assert.deepEqual([sum.summary().minMs, sum.summary().maxMs, sum.count], [0.5, 5_000.124, 3]);
});

test('what is beyond an hour or below a microsecond counts as that', () => {
  const both = new Histogram();
  both.record(1e12);
  both.record(0);
  assert.deepEqual([both.summary().minMs, both.summary().maxMs], [0.001, 3_600_000]);
  assert.equal(new Histogram().percentileMs(99), 0);
});
