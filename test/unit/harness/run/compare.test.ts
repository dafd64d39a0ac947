/**
 * Aim: ratios are taken round by round, and each server is first as often as any other.
 * Method: rounds whose noise both servers share.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../../../src/harness/measure/histogram.ts';
import type { RunReport } from '../../../../src/harness/measure/run-report.ts';
import { compare, turnOrder } from '../../../../src/harness/run/compare.ts';
import { atRate } from '../../../../src/harness/run/scaled.ts';
import { readScenario } from '../../../../src/harness/scenario/shape.ts';

function report(ok: number, ms: number, cpuSeconds?: number): RunReport {
  const histogram = new Histogram();
  for (let i = 0; i < ok; i++) histogram.record(ms);
  const counts = { ok, refused: 0, unknown: 0, unsent: 0 };
  const latency = { ...histogram.summary(), histogram: histogram.encode() };
  const operation = { ...counts, latency, phases: {}, replies: {} };
  const bytes = { bytesSent: 0, bytesReceived: 0 };
  const second = { ...counts, ...bytes, count: ok, p50Ms: ms, p99Ms: ms, maxMs: ms };
  const use = (part: number) =>
    cpuSeconds === undefined ? {} : { server: { cpuSeconds: cpuSeconds * part, rssBytes: 1 } };
  return {
    format: 'chaski-load-report',
    version: 1,
    ...{ scenario: 's', target: 't', seed: 1, beganAt: '', seconds: 1 },
    machine: { host: '', cpu: '', cores: 1, kernel: '', runtime: '' },
    generator: { threads: 1, cpuSeconds: 0 },
    groups: [
      {
        ...{ name: 'g', protocol: 'smtp', target: 't', connections: 1, unstarted: 0 },
        operations: { message: operation },
        copies: counts,
        closings: {},
        ...bytes,
        gapMsMax: 0,
        seconds: 1,
      },
    ],
    series: [
      { second: 0, ...second, ...use(0) },
      { second: 1, ...second, ...use(1) },
    ],
    unstarted: 0,
    thresholds: [],
  };
}

test('noise that all servers met in a round is not in the ratio', () => {
  const noise = [1, 0.4, 1.3, 0.8];
  const ours = { name: 'ours', rounds: noise.map((each) => report(1_000 * each, 2 / each, 1)) };
  const theirs = { name: 'theirs', rounds: noise.map((each) => report(200 * each, 8 / each)) };
  const [first, second] = compare([theirs, ours]);
  assert.deepEqual(first?.rateRatio, { median: 1, min: 1, max: 1 });
  assert.deepEqual(second?.rateRatio, { median: 5, min: 5, max: 5 });
  assert.ok(Math.abs(second.p99Ratio.median - 0.25) < 0.001);
  assert.ok(Math.abs(second.cpuMsPerOperation!.min - 1000 / 1_300) < 0.001);
  assert.equal(first?.cpuMsPerOperation, undefined);
});

test('every server is first in its turn', () => {
  const orders = [0, 1, 2, 3].map((round) => turnOrder(['a', 'b', 'c'], round).join(''));
  assert.deepEqual(orders, ['abc', 'bca', 'cab', 'abc']);
});

test('a scenario at another rate keeps the proportion of its groups, and may lose nothing', () => {
  const group = { protocol: 'smtp', target: '127.0.0.1:25', duration: 1 };
  const groups = [
    { ...group, name: 'a', rate: 30 },
    { ...group, name: 'b', rate: 10, arrival: 'constant' },
  ];
  const plan = atRate(readScenario({ groups }, { name: 's', base: '/' }), 400, 5);
  const rates = plan.groups.map(({ arrivals }) =>
    arrivals?.kind === 'trace' ? 0 : arrivals?.stages[0]?.toPerSecond,
  );
  assert.deepEqual(rates, [300, 100]);
  assert.deepEqual(
    plan.groups.map(({ arrivals, durationMs }) => [arrivals?.kind, durationMs]),
    [
      ['poisson', 5_000],
      ['constant', 5_000],
    ],
  );
  assert.deepEqual(
    plan.thresholds.map(({ text }) => text),
    ['p99 < 50ms', 'refused = 0', 'unknown = 0', 'unsent = 0', 'unstarted = 0'],
  );
});

test('at another rate a group weighs by its mean, and keeps the bound of its connections', () => {
  const base = { protocol: 'smtp', target: 'h:1' };
  const stages = [
    { rate: 0, for: '5s' },
    { from: 0, to: 60, for: '10s' },
  ];
  const groups = [
    { ...base, name: 'a', stages, sessions: 7 },
    { ...base, name: 'b', rate: 60, duration: 1 },
    { ...base, name: 'c', sessions: 20, duration: 1 },
  ];
  const plan = atRate(readScenario({ groups }, { name: 's', base: '/' }), 100, 5);
  assert.deepEqual(
    plan.groups.map(({ arrivals, sessionsMax }) => [
      arrivals?.kind === 'poisson' ? arrivals.stages[0]!.toPerSecond : undefined,
      sessionsMax,
    ]),
    [
      [20, 7],
      [60, 1_000],
      [20, 1_000],
    ],
  );
});
