/**
 * Aim: a thread that does not answer is named, counted and in the end given up; one that answers, late or not at all
 *      for want of the question, and a main thread that stood still are not.
 * Method: a watchdog on a hand-turned clock, over threads whose answers the test holds.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/actors/ask.ts';
import { Watchdog, type WatchdogLimits } from '../../../src/actors/watchdog.ts';
import { silentLog } from '../../../src/base/log.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

class Kennel {
  readonly clock = new SeededClock();
  readonly hung: number[] = [];
  /** Threads that answer nothing, and what they were asked. */
  readonly deaf = new Set<number>();
  readonly held: ((answer: Answer) => void)[] = [];
  readonly ready = new Set([0, 1]);
  readonly dog: Watchdog;

  constructor(limits: Partial<WatchdogLimits> = {}) {
    this.dog = new Watchdog({
      threads: 2,
      isReady: (thread) => this.ready.has(thread),
      askThread: (thread) =>
        this.deaf.has(thread)
          ? new Promise((resolve) => this.held.push(resolve))
          : Promise.resolve({ ok: false, code: 'argument-invalid', detail: '' }),
      clock: this.clock,
      log: silentLog,
      limits,
      onHung: (thread) => this.hung.push(thread),
    });
    this.dog.start();
  }
}

test('a silent thread is named after ten seconds, and no more once it answers', async () => {
  const { dog, clock, deaf, held } = new Kennel();
  deaf.add(1);
  await clock.pass(10_500, 500);
  deepStrictEqual(dog.silentThreads(), []);
  await clock.pass(1_000, 500);
  deepStrictEqual(dog.silentThreads(), [1]);
  strictEqual(dog.silenceCount, 1);
  held.shift()!({ ok: true, value: undefined });
  await turns(2);
  deepStrictEqual(dog.silentThreads(), []);
});

test('a thread that stays silent is given up once', async () => {
  const { dog, clock, deaf, hung } = new Kennel({ endMsMax: 60_000 });
  deaf.add(0);
  await clock.pass(60_500, 500);
  deepStrictEqual(hung, []);
  await clock.pass(20_000, 500);
  deepStrictEqual([hung, dog.silenceCount], [[0], 1]);
});

test('with endMsMax 0 no thread is given up', async () => {
  const { clock, deaf, hung } = new Kennel({ endMsMax: 0 });
  deaf.add(0);
  await clock.pass(600_000, 1_000);
  deepStrictEqual(hung, []);
});

test('a main thread that stood still for an hour blames nobody', async () => {
  const { dog, clock, deaf, held, hung } = new Kennel();
  deaf.add(0);
  await clock.pass(1_000, 500);
  // One late timer: the answer is there, and read after it.
  clock.advance(500);
  const stood = clock.monotonicMs.bind(clock);
  clock.monotonicMs = () => stood() + 3_600_000;
  await clock.pass(1_000, 500);
  held.shift()!({ ok: true, value: undefined });
  await clock.pass(5_000, 500);
  deepStrictEqual([dog.silenceCount, hung], [0, []]);
});

test('a thread that died is not silent, and its next life starts anew', async () => {
  const { dog, clock, deaf, ready, held } = new Kennel();
  deaf.add(0);
  await clock.pass(12_000, 500);
  deepStrictEqual(dog.silentThreads(), [0]);
  ready.delete(0);
  await clock.pass(2_000, 500);
  deepStrictEqual(dog.silentThreads(), []);
  ready.add(0);
  await clock.pass(1_000, 500);
  // The answer to the first life's question.
  held.shift()!({ ok: true, value: undefined });
  await clock.pass(12_000, 500);
  deepStrictEqual(dog.silentThreads(), [0]);
});
