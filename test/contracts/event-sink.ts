/**
 * The contract of a sink of events, run against each.
 *
 * Aim:    what an append took is there, whole and in order, after whatever came next; what it refused comes again.
 * Method: small batches through the port alone; the place is looked at as its readers do.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EventSink, SinkError, type SinkEvent } from '../../src/ports/event-sink.ts';

export interface OpenedSink extends AsyncDisposable {
  readonly sink: EventSink;
  /** Another on the same place; the first is closed. */
  reopen(): Promise<EventSink>;
  /** All events there, in order, as a reader parses them. */
  read(): Promise<readonly SinkEvent[]>;
  /** From now on appends fail part-way, or go well again. */
  fail(isFailing: boolean): void;
}

function batch(from: number, count: number, bytes = 10): SinkEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ id: `e${from + i}`, message: 'm', at: '2026-01-01T00:00:00.000Z', kind: 'delivered' },
    ...{ reply: `250 ünïcode\r\n"${'x'.repeat(bytes)}"`, recipients: ['a@far.test'] },
  }));
}

function ids(events: readonly SinkEvent[]): string[] {
  return events.map(({ id }) => id);
}

/** Each once, in the order of its first telling. */
function distinct(events: readonly SinkEvent[]): string[] {
  return [...new Set(ids(events))];
}

export function eventSinkContract(name: string, opened: () => Promise<OpenedSink>): void {
  describe(`a sink of events in ${name}`, () => {
    it('has what was appended, field by field, in order', async () => {
      await using one = await opened();
      await one.sink.append(batch(0, 3), 'c1');
      const { bytes } = one.sink;
      assert.ok(bytes >= JSON.stringify(batch(0, 3)).length - 5, String(bytes));
      await one.sink.append(batch(3, 2), 'c2');
      assert.ok(one.sink.bytes > bytes);
      assert.deepEqual(await one.read(), batch(0, 5));
    });

    it('goes on behind what is there once it is made anew', async () => {
      await using one = await opened();
      await one.sink.append(batch(0, 2), 'c1');
      await one.sink.close();
      const again = await one.reopen();
      await again.append(batch(2, 2), 'c2');
      await again.close();
      assert.deepEqual(ids(await one.read()), ['e0', 'e1', 'e2', 'e3']);
    });

    it('takes a large batch whole', async () => {
      await using one = await opened();
      const large = batch(0, 1_000, 2_000);
      await one.sink.append(large, 'c1');
      assert.deepEqual(ids(await one.read()), ids(large));
    });

    it('rejects what it could not take, and has it once it is given again', async () => {
      await using one = await opened();
      await one.sink.append(batch(0, 2), 'c1');
      one.fail(true);
      for (let tries = 0; tries < 5; tries++) {
        await assert.rejects(one.sink.append(batch(2, 2), 'c2'), SinkError);
      }
      assert.deepEqual(distinct(await one.read()).slice(0, 2), ['e0', 'e1']);
      one.fail(false);
      await one.sink.append(batch(2, 2), 'c2');
      await one.sink.append(batch(4, 1), 'c3');
      assert.deepEqual(distinct(await one.read()), ['e0', 'e1', 'e2', 'e3', 'e4']);
    });

    it('does nothing for a batch of none, and may be closed twice', async () => {
      await using one = await opened();
      await one.sink.append([], 'c1');
      await one.sink.close();
      await one.sink.close();
      assert.deepEqual(await one.read(), []);
    });
  });
}
