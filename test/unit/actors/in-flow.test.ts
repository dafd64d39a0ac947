/**
 * Aim: a busy thread is given no more mail than it gets out, one that has time is given all, and nobody waits for ever.
 * Method: the gate on a clock turned by hand, with the words and the load of a thread made up.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { InFlow } from '../../../src/actors/in-flow.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

function gate(undeliveredMax = 3) {
  const clock = new SeededClock();
  const undelivered = new SharedArrayBuffer(8);
  const words = new Int32Array(undelivered);
  const state = { busy: 1, shard: 1 };
  const flow = new InFlow({
    undelivered,
    undeliveredMax,
    spoolShard: () => state.shard as ShardId,
    busy: () => state.busy,
    clock,
  });
  const entered: number[] = [];
  let count = 0;
  const come = () => {
    const number = count++;
    const wait = flow.enter();
    if (wait === undefined) entered.push(number);
    else void wait.then(() => entered.push(number));
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turns(2);
  };
  return { flow, words, state, clock, entered, come, pass };
}

test('a busy thread gets as many as it may have, and one more for each that it delivered, in their order', async () => {
  const { flow, words, entered, come, pass } = gate();
  for (let i = 0; i < 6; i++) come();
  deepStrictEqual(entered, [0, 1, 2]);
  // Accepted, not delivered: no room comes of it.
  for (let i = 0; i < 3; i++) flow.left();
  words[1] = 3;
  await pass(100);
  deepStrictEqual(entered, [0, 1, 2]);
  words[1] = 1;
  await pass(10);
  deepStrictEqual(entered, [0, 1, 2, 3, 4]);
  come();
  deepStrictEqual(entered, [0, 1, 2, 3, 4], 'nobody passes those who wait');
  flow.left();
  flow.left();
  words[1] = 0;
  await pass(10);
  deepStrictEqual(entered, [0, 1, 2, 3, 4, 5, 6]);
});

test('a thread that has time is given all: the next hop is slow, and the queue is there for that', async () => {
  const { words, state, entered, come, pass } = gate();
  words[1] = 100;
  come();
  deepStrictEqual(entered, []);
  state.busy = 0.5;
  await pass(10);
  come();
  deepStrictEqual(entered, [0, 1]);
});

test('mail is led to another shard: what waits goes by the room there', async () => {
  const { words, state, entered, come, pass } = gate();
  words[1] = 100;
  come();
  state.shard = 0;
  await pass(10);
  deepStrictEqual(entered, [0]);
});

test('a limit of 0 lets all in, and so does the end; no timer stays behind', async () => {
  const off = gate(0);
  off.words[1] = 100;
  off.come();
  deepStrictEqual(off.entered, [0]);
  const { flow, words, clock, entered, come, pass } = gate();
  words[1] = 100;
  for (let i = 0; i < 5; i++) come();
  strictEqual(flow.waitingCount, 5);
  flow.end();
  await pass(10);
  deepStrictEqual(entered, [0, 1, 2, 3, 4]);
  strictEqual(clock.timerCount, 0);
});
