/**
 * Aim: what waits in a shard costs no memory for each message: of bodies counted at open, only those that a failure
 * would copy are known one by one. Method: bodies over a journal that says what is at its end.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bodies } from '../../../../src/engine/store/bodies.ts';
import type { Journal } from '../../../../src/engine/store/journal/journal.ts';
import type { RecordPlace } from '../../../../src/engine/store/record.ts';
import { noteKind } from './store-bench.ts';

const place = (sequence: number, segment: number): RecordPlace => {
  return { sequence, segment, offset: 64, bytes: 100, bodyOffset: 80, bodyBytes: 84 };
};

test('of older bodies only those at the end of the journal are remembered, though all are suspect at open', async () => {
  const pinned: number[] = [];
  const journal = {
    isSuspect: () => true,
    isAtEnd: ({ segment }: RecordPlace) => segment === 2,
    segments: {
      has: () => true,
      pin: ({ sequence }: RecordPlace) => pinned.push(sequence),
      release: () => {},
    },
  } as unknown as Journal;
  const bodies = new Bodies(journal);
  bodies.countFrom(10);
  const kind = { ...noteKind(), livePlaces: () => [place(3, 1), place(4, 2)] };
  const rows = { get: () => undefined, range: () => [], each: () => {} };
  assert.deepEqual(await bodies.countOlder([kind], rows), []);
  assert.deepEqual(pinned.splice(0), [3, 4]);
  // Who is remembered follows its record's copy.
  bodies.relocate(place(3, 1), place(3, 5));
  bodies.relocate(place(4, 2), place(4, 5));
  assert.deepEqual(pinned, [4]);
});
