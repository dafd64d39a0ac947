/** Aim: threads tell each other that a site is reached, by the way it is reached: one that needs TLS is another. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenSlots, openSlotWords } from '../../../src/actors/open-slots.ts';
import { SiteBorrower } from '../../../src/actors/site-borrower.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const user = { waitingCount: 0, tell: () => {}, weigh: () => {}, onTokens: () => {} };

test('who reaches a site in clear says nothing of those that must have TLS', () => {
  const clock = new SeededClock();
  const words = openSlotWords(2);
  const [one, two] = [0, 1].map((thread) => {
    const options = { clock, thread, life: 'first', shards: 4, open: new OpenSlots(words) };
    return new SiteBorrower({ ...options, ask: () => Promise.reject(new Error('not asked')) });
  });
  one!.join('mx.test', user, 'mx.test usual').reach!.note();
  const second = Math.floor(clock.nowMs() / 1_000);
  assert.equal(two!.join('mx.test', user, 'mx.test usual').reach!.second, second);
  assert.equal(two!.join('mx.test', user, 'mx.test verified').reach!.second, 0);
});
