/**
 * Aim: hashes of passwords and new keys keep no thread that mail's jobs want, and mail's jobs none of theirs.
 * Method: the runtime with two threads for jobs, of which the last is for patient ones; jobs that do not end.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/actors/ask.ts';
import { ActorWorld } from '../../support/actor-world.ts';
import { turns } from '../../support/seeded-clock.ts';

async function world(patientThreads: number) {
  const { runtime } = await new ActorWorld({ workers: 2, jobThreads: 2, patientThreads }).start();
  const asked: [thread: number, name: string][] = [];
  runtime.router.askThread = (thread, { name }) => {
    asked.push([thread, name]);
    return new Promise<Answer>(() => {});
  };
  return { runtime, asked };
}

test('patient jobs have a thread of their own, and one behind the other', async () => {
  const { runtime, asked } = await world(1);
  for (const name of ['hash', 'hash again']) void runtime.patientJobs.run({ name, meta: 0 });
  for (const name of ['message', 'next message']) void runtime.jobs.run({ name, meta: 0 });
  await turns(5);
  assert.deepEqual(asked, [
    [3, 'hash'],
    [2, 'message'],
  ]);
  assert.deepEqual([runtime.patientJobs.waitingCount, runtime.jobs.waitingCount], [1, 1]);
  assert.equal(runtime.placement.shardsOf(3).length, 0);
});

test('without one they share all', async () => {
  const { runtime, asked } = await world(0);
  void runtime.patientJobs.run({ name: 'hash', meta: 0 });
  void runtime.jobs.run({ name: 'message', meta: 0 });
  await turns(5);
  assert.deepEqual(asked.map(([thread]) => thread).sort(), [2, 3]);
});
