/**
 * Aim: whoever is told to wait for a client to read is woken once it has read all, whatever its socket says; who reads
 *      too slowly ends, and leaves nothing counted.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Unsent } from '../../../../../src/edge/protocols/session/unsent.ts';
import { WriteQueues } from '../../../../../src/edge/protocols/session/write-queues.ts';

function unsentOf(allUnsentBytesMax = 1_000) {
  const writeQueues = new WriteQueues();
  const service = {
    writeQueues,
    tickMs: 0,
    policy: { limits: { unsentBytesMax: 100, allUnsentBytesMax } },
  };
  return { unsent: new Unsent(service), writeQueues };
}

describe('what a client leaves unread', () => {
  it('is too much above its own limit, and above that of all while it owes anything', () => {
    const { unsent, writeQueues } = unsentOf();
    assert.deepEqual(
      [100, 101].map((bytes) => unsent.isFull(bytes)),
      [false, true],
    );
    writeQueues.count(1_001);
    assert.deepEqual(
      [0, 1].map((bytes) => unsent.isFull(bytes)),
      [false, true],
    );
  });

  it('wakes who was told to wait, once, with the first sweep that finds all read', () => {
    const { unsent, writeQueues } = unsentOf();
    assert.equal(unsent.sweep(1_000, 0), undefined);
    writeQueues.count(1_001);
    assert.ok(unsent.mustWait(1));
    assert.equal(unsent.sweep(2_000, 0), 'read');
    assert.equal(unsent.sweep(3_000, 0), undefined);
    assert.ok(!unsent.mustWait(0));
    assert.equal(unsent.sweep(4_000, 0), undefined, 'nobody was told to wait');
  });

  it('ends it where others wait for the room, and is counted no more then', () => {
    const { unsent, writeQueues } = unsentOf();
    unsent.sent(5_000);
    assert.equal(unsent.sweep(1_000, 5_000), undefined);
    assert.equal(writeQueues.bytes, 5_000);
    assert.equal(unsent.sweep(11_000, 5_000), 'slow');
    unsent.end();
    assert.equal(writeQueues.bytes, 0);
  });
});
