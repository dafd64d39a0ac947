/**
 * Aim: what a run says of other processes is true: their CPU time, their memory, their ends.
 * Method: small children that burn time, print, and leave children of their own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Child } from '../../../src/harness/child.ts';
import { Histogram } from '../../../src/harness/measure/histogram.ts';
import { processTree, treeCpuSeconds, treeUsage } from '../../../src/harness/observe.ts';

const burn =
  'const end = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < end);';
const stay = 'console.log("ready"); setInterval(() => {}, 1000);';

function node(script: string): Child {
  return new Child({ command: process.execPath, args: ['-e', script] });
}

test('CPU time of a tree holds children that have ended', async () => {
  const child = new Child({
    command: 'sh',
    args: ['-c', '"$0" -e "$1"; "$0" -e "$2"; exit 0', process.execPath, burn, stay],
  });
  await child.until(/ready/, 10_000);
  assert.equal(processTree(child.pid).length, 2);
  const seconds = treeCpuSeconds(child.pid);
  assert.ok(seconds >= 0.2 && seconds < 5, `${seconds} s`);
  const usage = treeUsage(child.pid);
  assert.ok(usage.pssBytes > 5_000_000 && usage.rssPeakBytes >= usage.pssBytes);
  for (const pid of processTree(child.pid).slice(1)) process.kill(pid, 'SIGTERM');
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.equal(treeCpuSeconds(child.pid), 0);
});

test('a child killed is seen to be killed, and waiting for its words ends with it', async () => {
  const child = node(stay);
  await child.until(/ready/, 10_000);
  assert.deepEqual(await child.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
  await assert.rejects(child.until(/more/, 10_000), /it ended before/);
});

test('a command that is not there is told', async () => {
  const child = new Child({ command: '/nowhere/to/be/found', args: [] });
  await assert.rejects(child.until(/x/, 10_000), /ENOENT/);
});

test('percentiles keep three digits from microseconds to minutes', () => {
  const latency = new Histogram();
  assert.equal(latency.summary().p99Ms, 0);
  for (let i = 1; i <= 100_000; i++) latency.record(i / 10);
  for (const percentile of [1, 50, 90, 99, 99.9]) {
    const expected = percentile * 100;
    const actual = latency.percentileMs(percentile);
    assert.ok(Math.abs(actual - expected) <= expected / 1_000, `p${percentile}: ${actual}`);
  }
  latency.record(-5);
  assert.equal(latency.summary().minMs, 0.001);
});
