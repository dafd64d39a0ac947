/**
 * Aim: what a constant rate owes is either sent, and charged from when its turn was, or counted as left out.
 * Method: instants by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../../../../src/harness/load/http/pace.ts';

test('requests ahead of their turn count from when they are sent, late ones from their turn', () => {
  const pace = new Pace();
  pace.begin(5_000, 4);
  assert.equal(pace.next(5_000, true), 5_000);
  assert.equal(pace.next(5_010, false), 5_010);
  assert.equal(pace.next(5_900, false), 5_500);
  assert.equal(pace.next(5_901, false), 5_750);
  // Autocannon's next second, by its own clock.
  assert.equal(pace.next(6_001, true), 6_001);
  pace.end(7_002, true);
  assert.equal(pace.omittedCount, 0, 'its clock is late by a moment');
});

test('what a stall kept back is counted, and what follows is late by its second', () => {
  const pace = new Pace();
  pace.begin(0, 2);
  pace.next(0, true);
  // Its answer took 3.2 seconds: one of the first second and all of two more were left out.
  assert.equal(pace.next(3_200, false), 3_000);
  assert.equal(pace.omittedCount, 5);
  pace.end(3_600, false);
  assert.equal(pace.omittedCount, 6, 'the second of the last second was due at 3 500');
});

test('the time without a connection is owed too', () => {
  const pace = new Pace();
  pace.begin(0, 10);
  for (let i = 0; i < 3; i++) pace.next(i, false);
  pace.undo();
  assert.equal(pace.turnMs, 200, 'the next connection is to wait for its turn');
  pace.begin(1_000, 10);
  assert.equal(pace.omittedCount, 8);
  assert.equal(pace.next(1_000, false), 1_000);
  pace.end(1_001, false);
  assert.equal(pace.omittedCount, 8);
});
