/**
 * Aim: a step is done in its second and told; what was done is taken back in its time, and whatever happens.
 * Method: children of our own, a folder, proxies by what they are told; a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Child } from '../../../../src/harness/child.ts';
import type { TroubleStep } from '../../../../src/harness/trouble/trouble-plan.ts';
import { TroubleRun } from '../../../../src/harness/trouble/trouble-run.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const nothingBetween = { apply: () => ({ isDone: false, detail: 'nothing stands between' }) };

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

function signal(atMs: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGHUP', processes: string) {
  return { atMs, what: { kind: 'signal', signal: name, processes } } as const;
}

test('a step is done at its time and stands in the report', async (context) => {
  const { pid, ended } = await victim(context);
  const clock = new SeededClock();
  const steps: readonly TroubleStep[] = [
    signal(1_500, 'SIGKILL', `${pid}`),
    signal(2_000, 'SIGHUP', 'no-such-unit'),
    { atMs: 2_500, what: { kind: 'link', name: 'target', fault: { kind: 'cut' } } },
    signal(9_000, 'SIGKILL', 'later'),
  ];
  const trouble = new TroubleRun(steps, nothingBetween, clock);
  trouble.start();
  clock.advance(1_499);
  assert.deepEqual(await trouble.stop(), []);
  const again = new TroubleRun(steps, nothingBetween, clock);
  again.start();
  clock.advance(3_000);
  assert.equal((await ended).signal, 'SIGKILL');
  assert.deepEqual(await again.stop(), [
    { second: 1.5, text: `SIGKILL to ${pid}`, isDone: true },
    { second: 2, text: 'SIGHUP to no-such-unit: nothing runs there', isDone: false },
    { second: 2.5, text: 'cut target: nothing stands between', isDone: false },
  ]);
});

test('what was stopped goes on when its time is over, or at the end', async (context) => {
  const { pid } = await victim(context);
  const clock = new SeededClock();
  const steps = [
    { ...signal(1, 'SIGSTOP', `${pid}`), forMs: 500 },
    signal(600, 'SIGSTOP', `${pid}`),
  ];
  const trouble = new TroubleRun(steps, nothingBetween, clock);
  trouble.start();
  clock.advance(10);
  await becomes(pid, true);
  await new Promise(setImmediate);
  clock.advance(500);
  await becomes(pid, false);
  clock.advance(100);
  await becomes(pid, true);
  const marks = await trouble.stop();
  await becomes(pid, false);
  assert.deepEqual(
    marks.map(({ second, endSecond }) => [second, endSecond]),
    [
      [0.001, 0.51],
      [0.6, 0.61],
    ],
  );
});

test('what stands between is told, and told to leave off', async () => {
  const clock = new SeededClock();
  const told: string[] = [];
  const between = {
    apply: ({ name }: { readonly name: string }) => {
      told.push(`${name} on`);
      return { isDone: true, undo: () => void told.push(`${name} off`) };
    },
  };
  const steps: readonly TroubleStep[] = [
    { atMs: 1_000, forMs: 2_000, what: { kind: 'link', name: 'hop', fault: { kind: 'stall' } } },
    { atMs: 2_000, what: { kind: 'dns', name: 'names', fault: { kind: 'delay', delayMs: 5 } } },
  ];
  const trouble = new TroubleRun(steps, between, clock);
  trouble.start();
  clock.advance(2_500);
  await new Promise(setImmediate);
  assert.deepEqual(told, ['hop on', 'names on']);
  clock.advance(500);
  await new Promise(setImmediate);
  assert.deepEqual(told, ['hop on', 'names on', 'hop off']);
  clock.advance(1_000);
  assert.deepEqual(await trouble.stop(), [
    { second: 1, text: 'stall hop', isDone: true, endSecond: 3 },
    { second: 2, text: 'delay names by 5 ms', isDone: true, endSecond: 4 },
  ]);
  assert.deepEqual(await trouble.stop(), await trouble.stop());
  assert.equal(told.length, 4);
});

test('a disk that is filled is checked before the run, and empty after it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-fill-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const { bavail, bsize } = statfsSync(folder);
  const leaveBytes = bavail * bsize - 64 * 1024 * 1024;
  const fill = { kind: 'fill', folder, leaveBytes } as const;
  const clock = new SeededClock();
  const small = { ...fill, sizeBytesMax: 1_000 };
  const refused = new TroubleRun([{ atMs: 1, what: small }], nothingBetween, clock);
  assert.throws(() => refused.check(), /takes \d+, and "size" is 1000/);
  const bounded = { ...fill, sizeBytesMax: 512 * 1024 * 1024 };
  const trouble = new TroubleRun([{ atMs: 1, what: bounded }], nothingBetween, clock);
  trouble.check();
  trouble.start();
  clock.advance(1_000);
  const [mark] = await trouble.stop();
  assert.match(mark!.text, /^fill .*: \d+ bytes written$/);
  assert.equal(mark!.endSecond, 1);
});
