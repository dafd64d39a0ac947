/** Aim: the events of all shards become one row by instant. Method: shards that answer from a table. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ask } from '../../../../src/actors/ask.ts';
import { askedHere } from '../../../../src/actors/asks/principal.ts';
import type { PackedEvent, TracePage, TraceQuery } from '../../../../src/actors/asks/trace-asks.ts';
import { traceHandlers } from '../../../../src/app/control/trace-handlers.ts';
import { failure } from '../../../../src/base/errors.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const id = '01JQ5Z8N3K7M0000';

function delivered(instantMs: number): PackedEvent {
  return [1, instantMs, id, 0, 's@a.test', ['r@b.test'], 'mx', '', '250 ok', 1, 0];
}

const accepted = (instantMs: number): PackedEvent => [
  ...([0, instantMs, id, 0, 's@a.test', ['r@b.test']] as const),
  ...([9, 1, 'smtp', 'ESMTP', '::1', 'c', ''] as const),
];

/** Shards with these pages; an absent one does not answer. */
function traceOf(shards: number, pages: Readonly<Record<number, TracePage>>) {
  const queries: TraceQuery[] = [];
  const router = {
    async ask(ask: Ask) {
      queries.push(ask.meta as TraceQuery);
      const page = pages[ask.shard];
      return page === undefined
        ? failure('not-possible-now', 'closed')
        : { ok: true as const, value: page };
    },
  };
  const handlers = traceHandlers({ router, shards, clock: new SeededClock() });
  const trace = (limit: number) =>
    handlers.trace!({ of: id, limit }, { by: askedHere, body: Buffer.alloc(0), signal, emit });
  return { trace, queries };
}

const { signal } = new AbortController();
const emit = async () => {};

function page(...instants: number[]): TracePage {
  return { events: instants.map(delivered), isComplete: true };
}

describe('the control method trace', () => {
  it('puts the events of all shards in order of their instants', async () => {
    const { trace } = traceOf(3, { 0: page(1, 9), 1: page(), 2: page(4, 12) });
    const { events, isComplete, unread } = await trace(100);
    assert.deepEqual(
      events.map((event) => event.instantMs),
      [1, 4, 9, 12],
    );
    assert.deepEqual([isComplete, unread], [true, []]);
  });

  it('tells what leads to the other first when instants are equal', async () => {
    const { trace } = traceOf(2, {
      0: page(5),
      1: { events: [accepted(5)], isComplete: true },
    });
    const { events } = await trace(100);
    assert.deepEqual(
      events.map((event) => event.kind),
      ['accepted', 'delivered'],
    );
  });

  it('keeps the newest, and asks later shards for nothing older than those', async () => {
    const pages = Object.fromEntries(
      Array.from({ length: 20 }, (_, shard) => [shard, page(100 - shard, 200 - shard)]),
    );
    const { trace, queries } = traceOf(20, pages);
    const { events, isComplete } = await trace(3);
    assert.deepEqual(
      events.map((event) => event.instantMs),
      [198, 199, 200],
    );
    assert.equal(isComplete, false);
    assert.deepEqual(
      queries.map((query) => query.sinceMs),
      [...Array(8).fill(0), ...Array(12).fill(198)],
    );
  });

  it('says so when a shard has more', async () => {
    const { trace } = traceOf(2, { 0: page(1), 1: { ...page(2), isComplete: false } });
    assert.equal((await trace(100)).isComplete, false);
  });

  it('tells what the others know when a shard does not answer, and which one', async () => {
    const { trace } = traceOf(3, { 0: page(1), 2: page(3) });
    const { events, unread } = await trace(100);
    assert.equal(events.length, 2);
    assert.deepEqual(unread, [{ shard: 1, reason: 'closed' }]);
  });
});
