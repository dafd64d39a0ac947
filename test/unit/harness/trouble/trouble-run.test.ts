/**
 * Aim: a step is done in its second and told; what was stopped goes on whatever happens.
 * Method: children of our own, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Child } from '../../../../src/harness/child.ts';
import { TroubleRun } from '../../../../src/harness/trouble/trouble-run.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

async function victim(context: TestContext): Promise<Child> {
  const script = 'console.log("ready"); setInterval(() => {}, 1000);';
  const child = new Child({ command: process.execPath, args: ['-e', script] });
  context.after(() => child.stop('SIGKILL'));
  await child.until(/ready/, 5_000);
  return child;
}

async function becomes(pid: number, isStopped: boolean): Promise<void> {
  while (/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) !== isStopped) {
    await new Promise(setImmediate);
  }
}

test('a step is done at its time and stands in the report', async (context) => {
  const { pid, ended } = await victim(context);
  const clock = new SeededClock();
  const steps = [
    { atMs: 1_500, signal: 'SIGKILL', processes: `${pid}` },
    { atMs: 2_000, signal: 'SIGHUP', processes: 'no-such-unit' },
    { atMs: 9_000, signal: 'SIGKILL', processes: 'later' },
  ] as const;
  const trouble = new TroubleRun(steps, clock);
  trouble.start();
  clock.advance(1_499);
  assert.deepEqual(trouble.stop().length, 0);
  const again = new TroubleRun(steps, clock);
  again.start();
  clock.advance(3_000);
  assert.equal((await ended).signal, 'SIGKILL');
  assert.deepEqual(again.stop(), [
    { second: 1.5, text: `SIGKILL to ${pid}`, isDone: true },
    { second: 2, text: 'SIGHUP to no-such-unit: nothing runs there', isDone: false },
  ]);
});

test('what was stopped goes on at the end', async (context) => {
  const { pid } = await victim(context);
  const clock = new SeededClock();
  const trouble = new TroubleRun([{ atMs: 1, signal: 'SIGSTOP', processes: `${pid}` }], clock);
  trouble.start();
  clock.advance(10);
  await becomes(pid, true);
  trouble.stop();
  await becomes(pid, false);
  assert.ok(true, 'it runs');
});
