/**
 * Aim: Prometheus reads what the threads of a run did together, while they do it.
 * Method: recorders fed by hand, read over HTTP.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunRecorder } from '../../../../src/harness/measure/recorder.ts';
import { Series } from '../../../../src/harness/measure/series.ts';
import { PrometheusEndpoint } from '../../../../src/harness/report/prometheus.ts';

function recorder(name: string): RunRecorder {
  const made = new RunRecorder({ name, protocol: 'smtp', target: 't' }, new Series());
  made.begin(0);
  made.connection();
  return made;
}

test('the figures of all threads stand in one text', async () => {
  const [one, two, other] = [recorder('mail'), recorder('mail'), recorder('"odd"')];
  for (let ms = 1; ms <= 100; ms++) (ms % 2 === 0 ? one : two).finished('message', 'ok', 0, ms);
  two.finished('message', 'refused', 0, 5);
  other.finished('imap.noop', 'unknown', 0, 5);
  two.connection();
  two.closing('done');
  one.bytes(10, 1);
  two.bytes(20, 2);
  const latest = { ok: 7 } as never;
  const share = { ok: 0, refused: 0, unknown: 0, unsent: 0, trouble: undefined };
  const endpoint = new PrometheusEndpoint(() => [
    { ...share, latest, groups: [one.live(), other.live()] },
    { ...share, latest, groups: [two.live()] },
  ]);
  const { port } = await endpoint.start({ host: '127.0.0.1', port: 0 });
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const elsewhere = await fetch(`http://127.0.0.1:${port}/`);
  const lines = (await answer.text()).split('\n');
  await endpoint.stop();
  assert.equal(elsewhere.status, 404);
  assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  const mail = 'group="mail",operation="message"';
  for (const line of [
    '# TYPE chaski_load_operations_total counter',
    `chaski_load_operations_total{${mail},outcome="ok"} 100`,
    `chaski_load_operations_total{${mail},outcome="refused"} 1`,
    'chaski_load_operations_total{group="\\"odd\\"",operation="imap.noop",outcome="unknown"} 1',
    '# TYPE chaski_load_latency_seconds summary',
    `chaski_load_latency_seconds_count{${mail}} 100`,
    `chaski_load_latency_seconds{group="\\"odd\\"",operation="imap.noop",quantile="0.5"} Nan`,
    'chaski_load_ok_per_second 14',
    'chaski_load_sessions{group="mail"} 2',
    'chaski_load_connections_total{group="mail"} 3',
    'chaski_load_bytes_total{group="mail",direction="sent"} 30',
    'chaski_load_bytes_total{group="mail",direction="received"} 3',
  ]) {
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`);
  }
  const value = (start: string) =>
    Number(lines.find((line) => line.startsWith(start))!.split(' ')[1]);
  const p99 = value(`chaski_load_latency_seconds{${mail},quantile="0.99"}`);
  assert.ok(Math.abs(p99 - 0.099) < 0.001, `${p99}`);
  const sum = value(`chaski_load_latency_seconds_sum{${mail}}`);
  assert.ok(Math.abs(sum - 5.05) < 0.02, `${sum}`);
});

test('a port that is taken is told before the run', async () => {
  const first = new PrometheusEndpoint(() => []);
  const address = await first.start({ host: '127.0.0.1', port: 0 });
  await assert.rejects(new PrometheusEndpoint(() => []).start(address), /EADDRINUSE/);
  await first.stop();
});
