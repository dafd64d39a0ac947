/**
 * Aim: a load divided among threads is the load that was asked for, and a thread that fails fails it.
 * Method: two and three worker threads against a sink.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import { Child } from '../../../../src/harness/child.ts';
import type { GroupReport } from '../../../../src/harness/measure/run-report.ts';
import { LoadRun } from '../../../../src/harness/run/load-run.ts';
import { readScenario } from '../../../../src/harness/scenario/shape.ts';
import { startSink } from '../../../support/harness-sink.ts';

const adapters = { clock: nodeClock, random: nodeRandom, epochMs: performance.timeOrigin };

async function play(context: TestContext, threads: number, groups: readonly object[]) {
  const { sink, target } = await startSink(context);
  const value = { threads, target, groups, thresholds: ['refused = 0'] };
  const plan = readScenario(value, { name: 'threads', base: '.' });
  const report = await new LoadRun(plan, adapters).run();
  return { report, counts: sink.counts };
}

test('threads share a count and sessions, and their figures add up', async (context) => {
  const { report, counts } = await play(context, 3, [
    { name: 'one', protocol: 'smtp', sessions: 4, count: 100 },
    { name: 'two', protocol: 'smtp', sessions: 1, count: 50, to: 'u{1-10}@x', recipients: 2 },
  ]);
  assert.equal(counts.messages, 150);
  assert.deepEqual(
    report.groups.map(({ name, copies, connections }) => [name, copies.ok, connections]).sort(),
    [
      ['one', 100, 4],
      ['two', 100, 1],
    ],
  );
  assert.equal(report.generator.threads, 3);
  assert.deepEqual(report.thresholds, [{ text: 'refused = 0', isMet: true, value: 0 }]);
  const inSeries = report.series.reduce((sum, { ok }) => sum + ok, 0);
  assert.equal(inSeries, 150);
});

test('an open loop over two threads keeps its schedule', async (context) => {
  const group = { protocol: 'smtp', rate: 100, arrival: 'constant', duration: '500ms' };
  const { report } = await play(context, 2, [group]);
  assert.equal(report.groups[0]!.copies.ok, 50);
  assert.equal(report.unstarted, 0);
});

test('a process is killed while the load runs, and the report says when', async (context) => {
  const script = 'console.log("ready"); setInterval(() => {}, 1000);';
  const server = new Child({ command: process.execPath, args: ['-e', script] });
  context.after(() => server.stop('SIGKILL'));
  await server.until(/ready/, 5_000);
  const { target } = await startSink(context);
  const group = { protocol: 'smtp', rate: 50, duration: '400ms' };
  const trouble = [{ at: '100ms', kill: server.pid }];
  const value = { target, groups: [group], trouble };
  const plan = readScenario(value, { name: 'trouble', base: '.' });
  const { marks } = await new LoadRun(plan, adapters).run();
  assert.equal((await server.ended).signal, 'SIGKILL');
  assert.ok(marks![0]!.second >= 0.1 && marks![0]!.isDone);
});

test('threads reach the target through a proxy that is told to cut and refuse', async (context) => {
  const { sink, target } = await startSink(context);
  const group = { protocol: 'smtp', rate: 100, duration: '900ms', arrival: 'constant' };
  const trouble = [
    { at: '300ms', cut: 'target' },
    { at: '300ms', refuse: 'target', for: '200ms' },
  ];
  const value = { target, threads: 2, groups: [group], trouble };
  const plan = readScenario(value, { name: 'trouble', base: '.' });
  const report = await new LoadRun(plan, adapters).run();
  const [cut, refused] = report.marks!;
  assert.match(cut!.text, /^cut target: \d+ connections$/);
  assert.ok(refused!.endSecond! >= 0.5);
  const [{ closings, operations, target: named }] = report.groups as [GroupReport];
  assert.equal(named, target, 'the report is of the target, not of the proxy');
  const causes = Object.keys(closings).join('\n');
  assert.match(causes, /ECONNRESET|closed by/);
  assert.match(causes, /ECONNREFUSED/);
  const { ok, unknown, unsent } = operations.message!;
  assert.equal(ok + unknown + unsent, 90);
  assert.ok(sink.counts.messages >= ok && sink.counts.messages <= ok + unknown);
});

test('a run told to stop takes back what it did', async (context) => {
  const script = 'console.log("ready"); setInterval(() => {}, 1000);';
  const server = new Child({ command: process.execPath, args: ['-e', script] });
  context.after(() => server.stop('SIGKILL'));
  await server.until(/ready/, 5_000);
  const { target } = await startSink(context);
  const group = { protocol: 'smtp', sessions: 1 };
  const value = { target, groups: [group], trouble: [{ at: '1ms', stop: server.pid }] };
  const load = new LoadRun(readScenario(value, { name: 'stop', base: '.' }), adapters);
  const playing = load.run();
  const isStopped = () => /^State:\tT/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8'));
  while (!isStopped()) await new Promise(setImmediate);
  load.stop();
  while (isStopped()) await new Promise(setImmediate);
  const { marks } = await playing;
  assert.ok(marks![0]!.endSecond! > 0);
});

test('what this run cannot find is told before it', () => {
  const value = {
    ...{ target: '127.0.0.1:1', groups: [{ protocol: 'smtp', sessions: 1 }] },
    thresholds: ['lost = 0'],
  };
  const plan = readScenario(value, { name: 'x', base: '.' });
  assert.throws(() => new LoadRun(plan, adapters), /no ledger is counted/);
  const uncounted = { ...plan, recountMsMax: 5 };
  assert.throws(() => new LoadRun(uncounted, adapters), /"recount" counts a ledger/);
});

test('a thread that cannot make its messages fails the run', async (context) => {
  const group = { protocol: 'smtp', sessions: 2, count: 2, messages: [{ folder: '/nowhere' }] };
  await assert.rejects(play(context, 2, [group]), /nowhere/);
});
