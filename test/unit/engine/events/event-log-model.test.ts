/**
 * Aim: whatever is appended, and however often the log is closed or killed, a trace tells just what a plain list would.
 * Method: random runs beside a list; fast-check prints the seed. A kill loses what was not written, and no more.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PackedEvent } from '../../../../src/actors/asks/trace-asks.ts';
import type { EventLog } from '../../../../src/engine/events/event-log.ts';
import { delivered, idOf, newWorld, read, startLog, type World } from './event-world.ts';

const limits = { batchBytesMax: 800, segmentBytesMax: 16_384 };
const addresses = Array.from({ length: 6 }, (_, i) => `Name${i}@Example.com`);
const address = fc.constantFrom(...addresses);

type Step =
  | { readonly do: 'append'; readonly id: number; readonly from: string; readonly to: string }
  | { readonly do: 'burst'; readonly count: number; readonly to: string }
  | { readonly do: 'flush' | 'close' | 'kill' }
  | { readonly do: 'read'; readonly of: string; readonly limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('append'), id: fc.nat(20), from: address, to: address }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('burst'), count: fc.nat(120), to: address }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush', 'close', 'kill') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('read'),
      of: fc.oneof(address, fc.nat(20).map(idOf)),
      limit: fc.integer({ min: 1, max: 50 }),
    }),
  },
) as fc.Arbitrary<Step>;

class Run {
  readonly #world: World;
  #log: EventLog;
  #kept: PackedEvent[] = [];
  #gathered: PackedEvent[] = [];
  #nowMs = 0;

  constructor(world: World) {
    this.#world = world;
    this.#log = startLog({ ...world, limits });
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'append':
        return this.#append(one.id, one.from, one.to);
      case 'burst':
        for (let i = 0; i < one.count; i++) this.#append(1_000 + i, addresses[0]!, one.to);
        return;
      case 'flush':
        return this.#flush();
      case 'read':
        return this.#read(one.of, one.limit);
      default:
        return this.#restart(one.do === 'close');
    }
  }

  async end(): Promise<void> {
    for (const of of [...addresses, idOf(3), idOf(1_007)]) await this.#read(of, 1_000_000);
    await this.#log.close();
  }

  #append(id: number, from: string, to: string): void {
    const event = delivered(id, this.#nowMs++, from, to);
    this.#log.append(event);
    this.#gathered.push(event);
  }

  async #flush(): Promise<void> {
    await this.#log.flush();
    this.#kept.push(...this.#gathered);
    this.#gathered = [];
  }

  async #restart(isClosed: boolean): Promise<void> {
    // A kill comes when nothing waits: how much of what waits is lost is the disk's to say (crash.test.ts).
    await this.#flush();
    if (isClosed) await this.#log.close();
    this.#log = startLog({ ...this.#world, limits });
  }

  async #read(of: string, limit: number): Promise<void> {
    await this.#flush();
    const text = of.toLowerCase();
    const wanted = this.#kept.filter(
      ([, , id, , sender, recipients]) =>
        id === of || [sender, ...recipients].some((each) => each.toLowerCase() === text),
    );
    const { events, isComplete } = await read(this.#log, of, { limit });
    assert.deepEqual(events, wanted.slice(-limit));
    assert.equal(isComplete, wanted.length <= limit);
  }
}

describe('an event log beside a list', () => {
  it('tells the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const run = new Run(await newWorld());
        for (const one of steps) await run.take(one);
        await run.end();
      }),
      { numRuns: 60 },
    );
  });
});
