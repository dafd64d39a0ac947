/**
 * Aim: a reader that goes on from where it came to sees every event once and in order, through batches, segments,
 *      restarts and crashes, and is told what retention took.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventPosition, EventsQuery } from '../../../../src/actors/asks/event-asks.ts';
import { kibibyte } from '../../../../src/base/units.ts';
import type { EventLog } from '../../../../src/engine/events/event-log.ts';
import { delivered, idOf, newWorld, startLog } from './event-world.ts';

const small = { batchBytesMax: kibibyte, segmentBytesMax: 16 * kibibyte };

/** Ids of all events after a place, by pages of `limit`, and the place after them. */
async function all(log: EventLog, after: EventsQuery['after'], limit: number) {
  const ids: string[] = [];
  let place: EventsQuery['after'] = after;
  let isCut = false;
  for (;;) {
    const page = await log.readForward({ after: place, limit });
    assert.ok(page.events.length <= limit);
    assert.equal(page.positions.length, page.events.length);
    ids.push(...page.events.map(([, , id]) => id));
    isCut ||= page.isCut;
    place = page.next;
    if (!page.hasMore) return { ids, place: place as EventPosition, isCut };
  }
}

function idsFrom(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => idOf(from + i));
}

describe('events read forward', () => {
  it('come once and in order, whatever the pages', async () => {
    const world = await newWorld();
    const log = startLog({ ...world, limits: small });
    for (let i = 0; i < 500; i++) log.append(delivered(i, i));
    for (const limit of [1, 7, 100, 1_000]) {
      assert.deepEqual((await all(log, 'start', limit)).ids, idsFrom(0, 500), `pages of ${limit}`);
    }
    await log.close();
  });

  it('begin with what comes after the end', async () => {
    const world = await newWorld();
    const log = startLog({ ...world, limits: small });
    const empty = await all(log, 'end', 10);
    log.append(delivered(1, 1));
    assert.deepEqual((await all(log, empty.place, 10)).ids, [idOf(1)]);
    const { place } = await all(log, 'end', 10);
    assert.deepEqual((await all(log, place, 10)).ids, []);
    log.append(delivered(2, 2));
    assert.deepEqual((await all(log, place, 10)).ids, [idOf(2)]);
    await log.close();
  });

  it('go on after a restart where they were', async () => {
    const world = await newWorld();
    const first = startLog({ ...world, limits: small });
    for (let i = 0; i < 200; i++) first.append(delivered(i, i));
    const { place } = await all(first, 'start', 50);
    await first.close();
    const second = startLog({ ...world, limits: small });
    assert.deepEqual((await all(second, place, 50)).ids, []);
    for (let i = 200; i < 300; i++) second.append(delivered(i, i));
    assert.deepEqual((await all(second, place, 50)).ids, idsFrom(200, 300));
    assert.deepEqual((await all(second, 'start', 50)).ids, idsFrom(0, 300));
    await second.close();
  });

  it('are told to be missing where retention took them, and are not where it took what was read', async () => {
    const world = await newWorld();
    const limits = { ...small, shareMs: 0 };
    const keep = { keepMs: Number.POSITIVE_INFINITY, bytesMax: 64 * kibibyte };
    const log = startLog({ ...world, keep, limits });
    for (let i = 0; i < 10; i++) log.append(delivered(i, i));
    const { place } = await all(log, 'start', 4);
    for (let i = 10; i < 2_000; i++) {
      log.append(delivered(i, i));
      if (i % 100 === 0) await log.flush();
    }
    const later = await all(log, place, 100);
    assert.equal(later.isCut, true);
    assert.ok(later.ids.length < 1_900);
    assert.equal(later.ids.at(-1), idOf(1_999));
    assert.equal((await all(log, later.place, 100)).isCut, false);
    // Who asks for the oldest there is misses nothing.
    assert.equal((await all(log, 'start', 100)).isCut, false);
    await log.close();
  });

  it('leave out a batch that is damaged, and say so', async () => {
    const world = await newWorld();
    const log = startLog({ ...world, limits: small });
    for (let i = 0; i < 50; i++) log.append(delivered(i, i));
    const { place } = await all(log, 'end', 1);
    await log.close();
    const again = startLog({ ...world, limits: small });
    const page = await again.readForward({ after: [place[0], 33, 0], limit: 10 });
    assert.equal(page.isCut, true);
    assert.deepEqual(page.events, []);
    await again.close();
  });
});
