/** Aim: figures are counted cheaply and merged rightly. Method: read the text prom-client makes of them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError } from '../../../src/base/assert.ts';
import { Metrics } from '../../../src/base/metrics.ts';
import { metricsText } from '../../../src/base/metrics-text.ts';

test('counters and gauges show their value, with and without labels', async () => {
  const metrics = new Metrics();
  metrics.counter('mail_total', 'Mails.').inc(3);
  metrics.gauge('open', 'Open things.').set(2);
  metrics.gaugeOf('measured', 'Measured when read.', () => 7);
  const replies = metrics.counters('replies_total', 'Replies.', ['listener', 'code']);
  replies.with({ listener: 'smtp', code: '250' }).inc();
  replies.with({ code: '250', listener: 'smtp' }).inc();
  const text = await metricsText([metrics.rows()]);
  assert.match(text, /^# TYPE mail_total counter\nmail_total 3$/m);
  assert.match(text, /^open 2$/m);
  assert.match(text, /^measured 7$/m);
  assert.match(text, /^replies_total\{listener="smtp",code="250"\} 2$/m);
});

test('a histogram counts a value on a bound below it, and all above the last bound', async () => {
  const metrics = new Metrics();
  const histogram = metrics.histogram('wait_seconds', 'Waits.', [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 30]) histogram.observe(value);
  const text = await metricsText([metrics.rows()]);
  assert.match(text, /^wait_seconds_bucket\{le="0.1"\} 2$/m);
  assert.match(text, /^wait_seconds_bucket\{le="1"\} 3$/m);
  assert.match(text, /^wait_seconds_bucket\{le="\+Inf"\} 4$/m);
  assert.match(text, /^wait_seconds_sum 30.65$/m);
  assert.match(text, /^wait_seconds_count 4$/m);
});

test('rows of other threads are plain data and are merged as each metric says', async () => {
  const threads = [1, 2].map((n) => {
    const metrics = new Metrics();
    metrics.counter('mail_total', 'Mails.').inc(n);
    metrics.gauge('oldest_seconds', 'Oldest.', 'max').set(n * 10);
    metrics.histogram('wait_seconds', 'Waits.', [1]).observe(n);
    return metrics;
  });
  const rows = structuredClone(threads[1]!.rows());
  const text = await metricsText([threads[0]!.rows(), rows]);
  assert.match(text, /^mail_total 3$/m);
  assert.match(text, /^oldest_seconds 20$/m);
  assert.match(text, /^wait_seconds_bucket\{le="1"\} 1$/m);
  assert.match(text, /^wait_seconds_bucket\{le="\+Inf"\} 2$/m);
});

test('a metric only another thread has is shown too', async () => {
  const worker = new Metrics();
  worker.counter('synced_total', 'Syncs.').inc(5);
  assert.match(await metricsText([worker.rows()]), /^synced_total 5$/m);
});

test('a family that gets too many children counts the rest as "other"', async () => {
  const metrics = new Metrics();
  const family = metrics.counters('sites_total', 'Sites.', ['site']);
  for (let i = 0; i < 1_500; i++) family.with({ site: `s${i}` }).inc();
  assert.equal(family.children.size, 1_001);
  assert.match(await metricsText([metrics.rows()]), /^sites_total\{site="other"\} 500$/m);
});

test('a missing label, a name used twice, and bounds that do not ascend are bugs', () => {
  const metrics = new Metrics();
  const family = metrics.counters('a_total', 'A.', ['x']);
  assert.throws(() => family.with({}), AssertionError);
  assert.throws(() => metrics.counter('a_total', 'Again.'));
  assert.throws(() => metrics.histogram('h', 'H.', [2, 1]), AssertionError);
});
