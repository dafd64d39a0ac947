/** Aim: the n-th message of the same bytes is told as such, within a bound. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Occurrences } from '../../../../src/cli/mail-files/occurrences.ts';

it('counts messages with the same bytes among thousands of others', () => {
  const occurrences = new Occurrences();
  for (let i = 0; i < 5_000; i++) assert.equal(occurrences.of(Buffer.from(`${i}`)), 1);
  for (let i = 0; i < 5_000; i += 7) assert.equal(occurrences.of(Buffer.from(`${i}`)), 2);
  assert.equal(occurrences.of(Buffer.from('7')), 3);
});

it('takes what is past its bound for the first, and goes on counting what it knows', () => {
  const occurrences = new Occurrences(2);
  const seen = ['a', 'b', 'c', 'c', 'a', 'b'].map((text) => occurrences.of(Buffer.from(text)));
  assert.deepEqual(seen, [1, 1, 1, 1, 2, 2]);
});
