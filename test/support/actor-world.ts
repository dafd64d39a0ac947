/**
 * The whole actor runtime on a hand-turned clock and threads that are functions: everything still crosses as bytes.
 */

import { Runtime, type RuntimeOptions } from '../../src/actors/runtime.ts';
import { silentLog } from '../../src/base/log.ts';
import { TestEngine } from './actor-engine.ts';
import { InlineChannel } from './inline-channel.ts';
import { SeededClock, SeededRandom, turns } from './seeded-clock.ts';

export interface WorldOptions {
  readonly seed?: number;
  readonly shards?: number;
  readonly workers?: number;
  readonly jobThreads?: number;
  /** Of those. */
  readonly patientThreads?: number;
  readonly limits?: RuntimeOptions['limits'];
  readonly placing?: RuntimeOptions['placing'];
}

export class ActorWorld {
  readonly clock = new SeededClock();
  readonly random: SeededRandom;
  readonly engine: TestEngine;
  readonly channel: InlineChannel;
  readonly runtime: Runtime;

  constructor(options: WorldOptions = {}) {
    const { seed = 1, shards = 4, workers = 2, jobThreads = 0, limits, placing } = options;
    const { patientThreads = 0 } = options;
    this.random = new SeededRandom(seed);
    this.engine = new TestEngine(this.random, this.clock);
    this.channel = new InlineChannel({
      threads: workers + jobThreads,
      build: (start) => this.engine.build(start),
    });
    this.runtime = new Runtime({
      channel: this.channel,
      shards,
      workers,
      patientThreads,
      clock: this.clock,
      log: silentLog,
      ...(limits === undefined ? {} : { limits }),
      ...(placing === undefined ? {} : { placing }),
    });
  }

  async start(): Promise<this> {
    await this.until(this.runtime.start());
    return this;
  }

  kill(thread: number): void {
    const life = this.engine.lives.get(thread);
    if (life !== undefined) this.engine.died(life);
    this.channel.kill(thread);
  }

  /** Turns clock and event loop until the promise settles; a minute of clock time is too long. */
  async until<T>(promise: Promise<T>, msMax = 60_000): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    settled.catch(() => {});
    for (let ms = 0; !isSettled; ms++) {
      if (ms > msMax) throw new Error(`nothing came of it in ${msMax} ms`);
      await turns(2);
      if (!isSettled) this.clock.advance(1);
    }
    return settled;
  }
}
