/**
 * Aim: what a run says of the server beside its clients is what the server used and told, in its second.
 * Method: a child that is looked at while it burns time and ends; an HTTP endpoint of our own; a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Child } from '../../../../src/harness/child.ts';
import type { SeriesSecond } from '../../../../src/harness/measure/run-report.ts';
import { MetricsSource } from '../../../../src/harness/observe/metrics-source.ts';
import { processIds } from '../../../../src/harness/observe/process-ids.ts';
import { ServerWatch } from '../../../../src/harness/observe/server-watch.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const exposition = `# HELP queue_size What waits
# TYPE queue_size gauge
queue_size{shard="0",kind="a}b"} 3
queue_size{shard="1",kind="c"} 4.5 1700000000000
queue_size_total 99
other_queue_size 7
broken
nothing NaN
`;

async function endpoint(context: TestContext, answer: () => string, status = 200) {
  const server = createServer((_, response) => response.writeHead(status).end(answer()));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

function seconds(count: number): readonly SeriesSecond[] {
  return Array.from({ length: count }, (_, second) => ({
    ...{ second, ok: 0, refused: 0, unknown: 0, unsent: 0, count: 0 },
    ...{ p50Ms: null, p99Ms: null, maxMs: null, bytesSent: 0, bytesReceived: 0 },
  }));
}

test('a name is the sum of its series, labels choose among them', async (context) => {
  const url = await endpoint(context, () => exposition);
  const labelled = 'queue_size{kind="a}b"}';
  const names = ['queue_size', labelled, 'queue_size{shard="7"}', 'absent', 'nothing', 'broken'];
  const found = await new MetricsSource({ url, names }).read();
  assert.deepEqual(found, { queue_size: 7.5, [labelled]: 3 });
});

test('an endpoint that is away, wrong or endless is told, not waited for', async (context) => {
  const names = ['queue_size'];
  const endless = await endpoint(context, () => 'x'.repeat(5 * 1024 * 1024));
  await assert.rejects(
    new MetricsSource({ url: endless, names }).read(),
    /more than 4194304 bytes/,
  );
  const missing = await endpoint(context, () => '', 404);
  await assert.rejects(new MetricsSource({ url: missing, names }).read(), /it answered 404/);
  const closed = new MetricsSource({ url: 'http://127.0.0.1:1/metrics', names });
  await assert.rejects(closed.read(), /127\.0\.0\.1:1\/metrics cannot be read: /);
});

test('a process is named by PID, by a file, or by its unit; never ourselves', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-units-'));
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'mail.service'));
  writeFileSync(join(folder, 'mail.service', 'cgroup.procs'), '77\n78\n');
  writeFileSync(join(folder, 'pid'), '79\n');
  assert.deepEqual(processIds('76', folder), [76]);
  assert.deepEqual(processIds('mail', folder), [77, 78]);
  assert.deepEqual(processIds('mail.service', folder), [77, 78]);
  assert.deepEqual(processIds(join(folder, 'pid'), folder), [79]);
  for (const none of ['0', '1', `${process.pid}`, 'absent', join(folder, 'absent')]) {
    assert.deepEqual(processIds(none, folder), [], none);
  }
});

test('figures stand in their second, and a server that is gone has none', async (context) => {
  const script = 'console.log("ready"); setInterval(() => {}, 1000);';
  const child = new Child({ command: process.execPath, args: ['-e', script] });
  context.after(() => child.stop('SIGKILL'));
  await child.until(/ready/, 5_000);
  const clock = new SeededClock();
  const watch = new ServerWatch({ processes: `${child.pid}` }, clock, 1_000_000);
  await watch.prepare();
  watch.start();
  clock.advance(1_000);
  await child.stop('SIGKILL');
  clock.advance(1_000);
  watch.stop();
  clock.advance(5_000);
  const beganMs = 1_000_000 + clock.monotonicMs() - 7_000;
  const found = watch.within(beganMs, seconds(6)).map(({ server }) => server);
  assert.ok((found[0]?.rssBytes ?? 0) > 10_000_000, 'Node has more than 10 MB');
  assert.ok((found[1]?.cpuSeconds ?? 0) > 0);
  assert.deepEqual(found.slice(2), [undefined, undefined, undefined, undefined]);
});

test('series the server tells stand beside them, with holes where it did not answer', async (context) => {
  let value = 0;
  const url = await endpoint(context, () => `sent_total ${++value}\n`);
  const clock = new SeededClock();
  const watch = new ServerWatch({ metrics: { url, names: ['sent_total'] } }, clock, 0);
  await watch.prepare();
  const beganMs = clock.monotonicMs();
  watch.start();
  const metricsOf = (second: number) =>
    watch.within(beganMs, seconds(2))[second]!.server?.metrics?.sent_total;
  while (metricsOf(0) === undefined) await new Promise(setImmediate);
  assert.equal(metricsOf(0), 2);
  clock.advance(1_000);
  assert.equal(metricsOf(1), undefined);
  while (metricsOf(1) === undefined) await new Promise(setImmediate);
  assert.equal(metricsOf(1), 3);
  watch.stop();
});

test('what cannot be watched fails before the run', async () => {
  const watch = new ServerWatch({ processes: 'no-such-unit' }, new SeededClock(), 0);
  await assert.rejects(watch.prepare(), /no process to watch: no-such-unit does not run/);
});
