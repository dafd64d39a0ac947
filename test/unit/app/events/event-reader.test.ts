/** Waiting for events: nothing of a wait is left behind on a signal that outlives it. */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { EventReader } from '../../../../src/app/events/event-reader.ts';
import { failure } from '../../../../src/base/errors.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

function readerOf() {
  const clock = new SeededClock();
  const router = { ask: async () => failure('not-possible-now', 'closed') };
  return { clock, reader: new EventReader({ clock, router, shards: 1 }) };
}

test('a wait that is over leaves no listener on its signal', async () => {
  const { clock, reader } = readerOf();
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i++) {
    const wait = reader.wait(500, signal);
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    clock.advance(500);
    await wait;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  }
  reader.close();
});

test('a wait ends when its asker goes away', async () => {
  const { reader } = readerOf();
  const asker = new AbortController();
  let isOver = false;
  const wait = reader.wait(500, asker.signal).then(() => {
    isOver = true;
  });
  await turns(2);
  assert.equal(isOver, false);
  asker.abort();
  await wait;
  assert.equal(isOver, true);
  reader.close();
});
