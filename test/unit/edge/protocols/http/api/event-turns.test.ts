/** Aim: readers of events cannot take the listener from those who hand in mail. Method: keys and instants by hand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKeyId } from '../../../../../../src/base/ids.ts';
import { EventTurns } from '../../../../../../src/edge/protocols/http/api/event-turns.ts';
import { ApiFault } from '../../../../../../src/edge/protocols/http/api/fault.ts';

const limits = { eventReadsPerMinuteMax: 60, eventWaitsPerKeyMax: 2, eventWaitsMax: 3 };
const ann = { id: 1 as ApiKeyId };
const bob = { id: 2 as ApiKeyId };
const cyd = { id: 3 as ApiKeyId };

function refusal(act: () => unknown): readonly [number, number] {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof ApiFault);
    return [error.status, error.retryAfterSeconds];
  }
  return [0, 0];
}

test('a key that asks too often is told when to come again, and no other is', () => {
  const turns = new EventTurns(() => limits);
  for (let i = 0; i < 60; i++) turns.take(ann, 1_000);
  assert.deepEqual(
    refusal(() => turns.take(ann, 1_000)),
    [429, 1],
  );
  turns.take(bob, 1_000);
  turns.take(ann, 2_000);
});

test('0 is no limit, and a limit that is set anew holds at once', () => {
  let eventReadsPerMinuteMax = 0;
  const turns = new EventTurns(() => ({ ...limits, eventReadsPerMinuteMax }));
  for (let i = 0; i < 1_000; i++) turns.take(ann, 1_000);
  eventReadsPerMinuteMax = 1;
  turns.take(ann, 1_000);
  assert.equal(refusal(() => turns.take(ann, 1_000))[0], 429);
});

test('a key has its places to wait, and all keys have theirs together', () => {
  const turns = new EventTurns(() => limits);
  const ends = [turns.wait(ann), turns.wait(ann)];
  const [status, seconds] = refusal(() => turns.wait(ann));
  assert.equal(status, 429);
  assert.ok(seconds > 0);
  const last = turns.wait(bob);
  const full = refusal(() => turns.wait(cyd));
  assert.equal(full[0], 503);
  assert.ok(full[1] > 0);
  last();
  ends.push(turns.wait(cyd));
  for (const end of ends) end();
  assert.equal(turns.waitingCount, 0);
});

test('a place is given back once', () => {
  const turns = new EventTurns(() => limits);
  const end = turns.wait(ann);
  turns.wait(bob);
  end();
  end();
  assert.equal(turns.waitingCount, 1);
  turns.wait(ann);
  turns.wait(ann);
  assert.equal(refusal(() => turns.wait(ann))[0], 429);
});
