/**
 * Aim: the plan of an open loop is what it claims: rate, spread and share of recipients.
 * Method: long schedules from a seed, compared with what the mathematics say.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from '../../../../src/harness/load/arrivals.ts';
import {
  expandTemplate,
  parseRecipients,
  RecipientDealer,
} from '../../../../src/harness/load/recipients.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';

function gaps(kind: 'constant' | 'poisson', perSecond: number, count: number): number[] {
  const arrivals = new Arrivals(kind, perSecond, new SeededRandom(7));
  let last = 0;
  return Array.from({ length: count }, () => {
    const atMs = arrivals.take();
    const gap = atMs - last;
    last = atMs;
    return gap;
  });
}

test('constant arrivals never drift', () => {
  const arrivals = new Arrivals('constant', 3, new SeededRandom(1));
  for (let i = 0; i < 3_000_000; i++) arrivals.take();
  assert.equal(arrivals.nextMs, 1_000_000_000);
});

test('Poisson arrivals have the mean and the spread of an exponential', () => {
  const all = gaps('poisson', 50, 100_000);
  const mean = all.reduce((sum, gap) => sum + gap, 0) / all.length;
  const variance = all.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / all.length;
  assert.ok(Math.abs(mean - 20) < 0.3, `mean ${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) - 20) < 0.5, `deviation ${Math.sqrt(variance)}`);
  assert.deepEqual(gaps('poisson', 50, 10), all.slice(0, 10));
});

test('a template is a range of addresses, a file one a line', () => {
  assert.deepEqual(expandTemplate('u{9-11}@x'), ['u9@x', 'u10@x', 'u11@x']);
  assert.deepEqual(expandTemplate('plain@x'), ['plain@x']);
  assert.throws(() => expandTemplate('u{5-1}@x'), /not usable/);
  assert.deepEqual(parseRecipients('# who\r\na@x\r\n\nu{1-2}@x\n'), ['a@x', 'u1@x', 'u2@x']);
});

test('recipients are dealt out in turn, each message distinct ones', () => {
  const dealer = new RecipientDealer(['a', 'b', 'c'], 2);
  assert.deepEqual(
    [dealer.deal(), dealer.deal(), dealer.deal()],
    [
      ['a', 'b'],
      ['c', 'a'],
      ['b', 'c'],
    ],
  );
  assert.throws(() => new RecipientDealer(['a'], 2), /only 1 addresses/);
});
