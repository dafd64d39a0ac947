/**
 * Aim: a threshold is met exactly when the report says so, and a typing mistake is told.
 * Method: a report made by a recorder, judged.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LedgerJoin } from '../../../../src/harness/ledger/ledger-join.ts';
import { RunRecorder } from '../../../../src/harness/measure/recorder.ts';
import type { RunReport } from '../../../../src/harness/measure/run-report.ts';
import { Series } from '../../../../src/harness/measure/series.ts';
import { isGood } from '../../../../src/harness/measure/totals.ts';
import {
  checkThresholds,
  judgeThresholds,
  parseThreshold,
  unjudgedFindings,
} from '../../../../src/harness/run/thresholds.ts';

function report(): RunReport {
  const groups = ['fast', 'slow'].map((name, at) => {
    const recorder = new RunRecorder({ name, protocol: 'smtp', target: 't' }, new Series());
    recorder.begin(0);
    const ms = at === 0 ? 5 : 80;
    for (let i = 0; i < 100; i++) recorder.finished('message', 'ok', i * 10, i * 10 + ms);
    if (at === 1) recorder.finished('message', 'refused', 0, 1_000);
    return recorder.report(at);
  });
  return {
    ...{ format: 'chaski-load-report', version: 1, scenario: 's', target: 't', seed: 1 },
    machine: { host: 'a', cpu: 'c', cores: 1, kernel: 'k', runtime: 'r' },
    generator: { threads: 1, cpuSeconds: 1 },
    ...{ beganAt: '2026-01-01T00:00:00.000Z', seconds: 1, groups, series: [], unstarted: 1 },
    thresholds: [],
  };
}

function judge(text: string) {
  const [result] = judgeThresholds([parseThreshold(text)], report());
  return result!;
}

test('thresholds are judged over all groups, or over one', () => {
  for (const [text, isMet] of [
    ['p99 < 90ms', true],
    ['p99 < 79 ms', false],
    ['fast: p99 <= 5.1ms', true],
    ['slow: p50 < 0.1s', true],
    ['refused = 0', false],
    ['fast: refused = 0', true],
    ['unstarted <= 1', true],
    ['slow: unstarted < 1', false],
    ['rate >= 200/s', true],
    ['ok > 200', false],
    ['nobody: ok > 0', false],
  ] as const) {
    assert.equal(judge(text).isMet, isMet, text);
  }
  assert.equal(judge('ok > 0').value, 200);
});

test('a run in which nothing was ok has met no threshold of latency', () => {
  const nothing = {
    ...report(),
    groups: report().groups.map((each) => ({ ...each, operations: {} })),
  };
  const [result] = judgeThresholds([parseThreshold('p99 < 50ms')], nothing);
  assert.equal(result!.isMet, false);
});

test('what is no threshold is told, with what there is', () => {
  for (const text of ['p99', 'p98 < 5ms', 'p99 < x', 'p99 == 5', '']) {
    assert.throws(() => parseThreshold(text), /write as "p99 < 50ms".*p50, p90/);
  }
});

test('the rate of a group is over its own time', () => {
  const whole = report();
  const long = {
    ...whole,
    seconds: 10,
    groups: [whole.groups[0]!, { ...whole.groups[1]!, seconds: 10 }],
  };
  const rate = (text: string) => judgeThresholds([parseThreshold(text)], long)[0]!.value;
  assert.equal(Math.round(rate('fast: rate > 0')), Math.round(100 / whole.groups[0]!.seconds));
  assert.equal(rate('rate > 0'), 20);
});

test('findings of a ledger are judged where it is counted; what none speaks of must be 0', () => {
  const account = { ...new LedgerJoin().account(), lost: 2, duplicated: 3 };
  const recount = { account, waitedSeconds: 0, faults: [] };
  const thresholds = ['lost = 0', 'duplicated <= 3'].map(parseThreshold);
  const judged = judgeThresholds(thresholds, { ...report(), recount });
  assert.deepEqual(
    judged.map(({ isMet, value }) => [isMet, value]),
    [
      [false, 2],
      [true, 3],
    ],
  );
  assert.deepEqual(unjudgedFindings(thresholds, account), []);
  assert.deepEqual(unjudgedFindings(thresholds.slice(1), account), ['lost: 2']);
  assert.throws(() => judgeThresholds(thresholds, report()), /no ledger is counted/);
  assert.throws(() => checkThresholds(thresholds, false), /say "ledger" and "recount"/);
  assert.doesNotThrow(() => checkThresholds(thresholds, true));
  assert.throws(() => parseThreshold('mail: lost = 0'), /leave "mail:" out/);
});

test('a run is good by its thresholds and its ledger, and without them where nothing failed', () => {
  const account = new LedgerJoin().account();
  const right = { account, waitedSeconds: 0, faults: [] };
  const wrong = { ...right, faults: ['lost: 1'] };
  const met = { text: 'ok > 0', isMet: true, value: 1 };
  assert.equal(isGood(report()), false, 'one was refused');
  assert.equal(isGood({ ...report(), recount: right }), true);
  assert.equal(isGood({ ...report(), recount: wrong, thresholds: [met] }), false);
  assert.equal(isGood({ ...report(), thresholds: [met] }), true);
  assert.equal(
    isGood({ ...report(), recount: right, thresholds: [{ ...met, isMet: false }] }),
    false,
  );
});
