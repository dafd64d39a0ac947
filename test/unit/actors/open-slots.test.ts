/** Aim: what a thread has open is seen by all, and no more than that but by rare accident. */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { OpenSlots, openSlotWords } from '../../../src/actors/open-slots.ts';

test('a thread counts in its own row, and a cleared row is empty', () => {
  const words = openSlotWords(3);
  const [one, two] = [new OpenSlots(words), new OpenSlots(words)];
  one.add(0, 'mx.test', 1);
  one.add(0, 'mx.test', 1);
  two.add(2, 'mx.test', 1);
  two.add(2, 'mx.test', -1);
  deepStrictEqual([two.of(0, 'mx.test'), two.of(1, 'mx.test'), two.of(2, 'mx.test')], [2, 0, 0]);
  strictEqual(one.threads, 3);
  one.clear(0);
  strictEqual(two.of(0, 'mx.test'), 0);
});

test('with a thousand sites in use, hardly another one looks open', () => {
  const open = new OpenSlots(openSlotWords(1));
  for (let i = 0; i < 1_000; i++) open.add(0, `mx${i}.used.example`, 1);
  let wrong = 0;
  for (let i = 0; i < 10_000; i++) if (open.of(0, `mx${i}.idle.example`) > 0) wrong++;
  ok(wrong < 20, `${wrong} of 10000`);
});

test('who reached a site is known to all threads, and outlives them', () => {
  const words = openSlotWords(2);
  const [one, two] = [new OpenSlots(words), new OpenSlots(words)];
  strictEqual(two.reachedSecond('mx.test'), 0);
  one.reached('mx.test', 1_760_000_000);
  strictEqual(two.reachedSecond('mx.test'), 1_760_000_000);
  strictEqual(two.reachedSecond('other.test'), 0);
  one.clear(0);
  one.clear(1);
  strictEqual(two.reachedSecond('mx.test'), 1_760_000_000);
  deepStrictEqual([two.of(0, 'mx.test'), two.of(1, 'mx.test')], [0, 0]);
});
