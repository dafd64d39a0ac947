/**
 * Aim:    a sink gets every event in order, at least once: the cursor passes what it took and nothing else, and a sink
 *         that fails is tried again without a gap.
 * Method: the feeder over a table in memory, a stream of the test's own, a sink that is a list, a clock by hand.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { EventPage, type EventReader } from '../../../../src/app/events/event-reader.ts';
import { SinkFeeder } from '../../../../src/app/events/sink-feeder.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { minuteMs } from '../../../../src/base/units.ts';
import { type EventSink, SinkError } from '../../../../src/ports/event-sink.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

/** As the clock begins. */
const beganAt = '2026-01-01T00:00:00.000Z';

function streamOf(count: number): Pick<EventReader, 'read' | 'wait'> {
  const wait = (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  return {
    wait,
    async read([place], limit) {
      const first = Array.isArray(place) ? Number(place[2]) : 0;
      const last = Math.min(count, first + limit);
      const placed = Array.from({ length: last - first }, (_, i) => ({
        view: {
          ...{ id: String(first + i), at: beganAt, kind: 'delivered', message: 'm', tenant: 1 },
          ...{ sender: '', recipients: [] },
        },
        ...{ shard: 0, position: [0, 0, first + i] as const },
      }));
      const facts = { isCut: false, isGone: false, hasMore: last < count, unread: [] };
      return new EventPage(placed, [[0, 0, last]], facts);
    },
  };
}

class ListSink implements EventSink {
  readonly ids: string[] = [];
  readonly counts: number[] = [];
  failuresLeft = 0;
  tries = 0;

  get bytes(): number {
    return this.ids.length * 100;
  }

  async append(events: readonly { readonly id: string }[]): Promise<void> {
    this.tries++;
    if (this.failuresLeft-- > 0) throw new SinkError('no room');
    this.counts.push(events.length);
    this.ids.push(...events.map(({ id }) => id));
  }

  async close(): Promise<void> {}
}

function feed(count: number, sink: EventSink, table = new MemoryIndex()) {
  const clock = new SeededClock();
  const parts = { name: 'list', sink, reader: streamOf(count), shards: 1, table };
  return { clock, table, feeder: new SinkFeeder({ ...parts, clock, log: silentLog }) };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

it('a sink gets pages of a thousand events at most, and goes on behind them after a restart', async () => {
  const sink = new ListSink();
  const first = feed(2_500, sink);
  await turns(20);
  await first.feeder.stop();
  assert.deepEqual(sink.counts, [1_000, 1_000, 500]);
  const again = feed(2_600, sink, first.table);
  await turns(20);
  await again.feeder.stop();
  assert.deepEqual(sink.ids, numbers(0, 2_600));
});

it('what a sink does not take it is given again, a minute apart at most', async () => {
  const sink = new ListSink();
  sink.failuresLeft = 12;
  const { clock, feeder } = feed(10, sink);
  await clock.pass(6 * minuteMs, 1_000);
  assert.deepEqual(sink.ids, []);
  const failing = feeder.facts();
  assert.deepEqual(
    [failing.reason, failing.failureCount, failing.sentCount, failing.lagMs, failing.bytes],
    ['no room', sink.tries, 0, 6 * minuteMs, 0],
  );
  assert.ok(failing.failingSinceMs <= Date.parse(beganAt) + 1_000);
  assert.ok(sink.tries >= 10 && sink.tries <= 12, String(sink.tries));
  await clock.pass(6 * minuteMs, 1_000);
  assert.deepEqual(sink.ids, numbers(0, 10));
  const { reason, failingSinceMs, lagMs, sentCount, bytes } = feeder.facts();
  assert.deepEqual([reason, failingSinceMs, lagMs, sentCount, bytes], ['', 0, 0, 10, 1_000]);
  await feeder.stop();
});

it('a cursor that a failing sink did not pass is where the next start begins', async () => {
  const sink = new ListSink();
  sink.failuresLeft = 1_000_000;
  const { feeder, table, clock } = feed(10, sink);
  await clock.pass(minuteMs, 1_000);
  await feeder.stop();
  const other = new ListSink();
  const again = feed(10, other, table);
  await turns(20);
  await again.feeder.stop();
  assert.deepEqual(other.ids, numbers(0, 10));
});
