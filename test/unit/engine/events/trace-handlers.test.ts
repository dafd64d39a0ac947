/** Aim: `trace.read` answers in time and holds its thread for slices only. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArrivedAsk } from '../../../../src/actors/ask.ts';
import { type TracePage, traceAsks } from '../../../../src/actors/asks/trace-asks.ts';
import { shardId } from '../../../../src/base/ids.ts';
import type { EventLog } from '../../../../src/engine/events/event-log.ts';
import { traceHandlers } from '../../../../src/engine/events/trace-handlers.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';
import { delivered, idOf, newWorld, startLog } from './event-world.ts';

const sender = 'sender@example.org';

function askFor(of: string, deadlineMs = 0): ArrivedAsk {
  return {
    ...{ shard: shardId(0), actor: 'trace', name: traceAsks.read, key: '', deadlineMs },
    ...{ class: 'long' as const, lane: 'normal' as const, body: Buffer.alloc(0) },
    meta: { of, limit: 1_000_000, sinceMs: 0 },
  };
}

function read(eventLog: EventLog | undefined, ask: ArrivedAsk, clock = new SeededClock()) {
  const handlers = traceHandlers({ eventLogOf: () => eventLog, clock });
  return handlers[traceAsks.read]!(ask, { isFull: false });
}

/** Each look at it costs a millisecond. */
class TiringClock extends SeededClock {
  override monotonicMs(): number {
    this.advance(1);
    return super.monotonicMs();
  }
}

describe('trace.read', () => {
  it('answers what the shard knows', async () => {
    const log = startLog(await newWorld());
    log.append(delivered(1, 1));
    const { value } = (await read(log, askFor(idOf(1)))) as { value: TracePage };
    assert.deepEqual(value, { events: [delivered(1, 1)], isComplete: true });
    await log.close();
  });

  it('refuses where the shard is not open', async () => {
    const answer = await read(undefined, askFor(idOf(1)));
    assert.equal('code' in answer && answer.code, 'not-possible-now');
  });

  it('answers before its deadline with what it has', async () => {
    const world = await newWorld();
    const log = startLog(world);
    log.append(delivered(1, 1));
    await log.flush();
    const late = askFor(idOf(1), world.clock.nowMs() + 100);
    const { value } = (await read(log, late, world.clock)) as { value: TracePage };
    assert.deepEqual(value, { events: [], isComplete: false });
    await log.close();
  });

  it('lets other work run between slices', async () => {
    const { disk } = await newWorld();
    const clock = new TiringClock();
    const log = startLog({ disk, clock, limits: { batchBytesMax: 1_000 } });
    for (let i = 0; i < 1_000; i++) log.append(delivered(i, i));
    await log.flush();
    let turnsTaken = 0;
    let isDone = false;
    const turn = () => {
      turnsTaken++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const { value } = (await read(log, askFor(sender))) as { value: TracePage };
    isDone = true;
    assert.equal(value.events.length, 1_000);
    assert.ok(turnsTaken > 30, `${turnsTaken} turns`);
    await log.close();
  });
});
