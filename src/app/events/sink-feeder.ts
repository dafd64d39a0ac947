/**
 * Brings all events to one sink: reads behind its cursor, appends a page, moves the cursor on.
 *
 * Runs in:   main thread; nothing of mail waits for it.
 * Limits:    `pageMax` events an append; between two tries `retryMsMax` at most.
 * Invariant: the cursor passes an event only after the sink has it durably, and is durable itself, so each comes at
 *            least once, in its shard's order. A sink that does not take them holds nothing but its cursor.
 */

import { Buffer } from 'node:buffer';
import type { Log } from '../../base/log.ts';
import { minuteMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import { type EventSink, SinkError } from '../../ports/event-sink.ts';
import { IndexError, type ShardIndex } from '../../ports/shard-index.ts';
import { cursorOf, type EventReader, type Place, placesOf } from './event-reader.ts';
import { Lag } from './lag.ts';

export interface SinkFeederParts {
  /** Its cursor is kept by this name. */
  readonly name: string;
  readonly sink: EventSink;
  readonly reader: Pick<EventReader, 'read' | 'wait'>;
  readonly shards: number;
  readonly table: Pick<ShardIndex, 'get' | 'commit'>;
  readonly clock: Pick<Clock, 'setTimer' | 'nowMs'>;
  readonly log: Log;
}

/** How a sink stands, since the server started. */
export interface SinkFacts {
  readonly name: string;
  readonly bytes: number;
  /** Age of the oldest event it has not; 0: it has all. */
  readonly lagMs: number;
  readonly sentCount: number;
  readonly failureCount: number;
  readonly gapCount: number;
  /** 0: nothing yet. */
  readonly lastSentMs: number;
  /** 0: the last append was taken. */
  readonly failingSinceMs: number;
  /** What failed last, while it does. */
  readonly reason: string;
  readonly cursor: string;
}

const pageMax = 1_000;
const waitMs = 30 * secondMs;
const retryMsMin = secondMs;
const retryMsMax = minuteMs;

export class SinkFeeder {
  readonly lag: Lag;
  #sentCount = 0;
  #failureCount = 0;
  #gapCount = 0;
  #lastSentMs = 0;
  #failingSinceMs = 0;
  #reason = '';
  #cursor = '';
  readonly #parts: SinkFeederParts;
  readonly #key: Buffer;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #triesFailed = 0;

  constructor(parts: SinkFeederParts) {
    this.#parts = parts;
    this.lag = new Lag(parts.clock);
    this.#key = Buffer.from(`s${parts.name}`);
    this.#done = this.#run();
  }

  facts(): SinkFacts {
    return {
      ...{ name: this.#parts.name, bytes: this.#parts.sink.bytes, lagMs: this.lag.ms },
      ...{ sentCount: this.#sentCount, failureCount: this.#failureCount, gapCount: this.#gapCount },
      ...{ lastSentMs: this.#lastSentMs, failingSinceMs: this.#failingSinceMs },
      ...{ reason: this.#reason, cursor: this.#cursor },
    };
  }

  /** Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#done;
    await this.#parts.sink.close();
  }

  async #run(): Promise<void> {
    let places = this.#kept();
    while (!this.#end.signal.aborted) {
      try {
        places = await this.#next(places);
        this.#triesFailed = 0;
      } catch (error) {
        if (!(error instanceof SinkError || error instanceof IndexError)) throw error;
        await this.#failed(error);
      }
    }
  }

  /** The first time all there is: nothing that is kept shall be missing. */
  #kept(): readonly Place[] {
    const { table, shards } = this.#parts;
    const value = table.get(this.#key);
    this.#cursor = value === undefined ? 'start' : Buffer.from(value).toString();
    return placesOf(this.#cursor, shards);
  }

  async #next(places: readonly Place[]): Promise<readonly Place[]> {
    const { reader, sink, table, log, name, clock } = this.#parts;
    const page = await reader.read(places, pageMax);
    if (this.#end.signal.aborted) return places;
    if (page.isGone) {
      log.warn({ sink: name }, 'a sink missed events that are kept no more');
      this.#gapCount++;
    }
    const next = page.placesAfter();
    this.lag.waits(page.events[0]);
    if (page.events.length > 0) {
      const cursor = cursorOf(next);
      await sink.append(page.events, cursor);
      await table.commit([{ put: this.#key, value: Buffer.from(cursor) }]);
      this.#sentCount += page.events.length;
      this.#lastSentMs = clock.nowMs();
      this.#cursor = cursor;
    }
    // Not when this returns: it waits for the next event first.
    this.#failingSinceMs = 0;
    this.#reason = '';
    this.lag.waits(page.hasMore ? page.events.at(-1) : undefined);
    if (page.unread.length > 0) await this.#sleep(retryMsMin);
    else if (!page.hasMore) await reader.wait(waitMs, this.#end.signal);
    return next;
  }

  async #failed(error: Error): Promise<void> {
    const { log, name, clock } = this.#parts;
    this.#failureCount++;
    this.#reason = error.message;
    if (this.#failingSinceMs === 0) this.#failingSinceMs = clock.nowMs();
    const fields = { sink: name, error: error.message };
    if (this.#triesFailed === 0)
      log.error(fields, 'events cannot be appended, and are tried again');
    const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#triesFailed, 10));
    this.#triesFailed++;
    await this.#sleep(delayMs);
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#end;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.setTimer(ms, resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    timer.cancel();
  }
}
