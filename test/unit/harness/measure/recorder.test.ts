/**
 * Aim: what clients tell is counted once, under the right name and in the right second, and adds up over threads.
 * Method: outcomes made by hand, given to a recorder whose run began at an odd instant.
 */

import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../../../src/harness/measure/histogram.ts';
import { mergeGroups, mergeReports, mergeSeries } from '../../../../src/harness/measure/merge.ts';
import { RunRecorder } from '../../../../src/harness/measure/recorder.ts';
import {
  parseReport,
  type RunReport,
  type SeriesSecond,
} from '../../../../src/harness/measure/run-report.ts';
import { Series } from '../../../../src/harness/measure/series.ts';
import { totalsOf } from '../../../../src/harness/measure/totals.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';

const beganMs = 7_300;

function recorder(series = new Series()): RunRecorder {
  const made = new RunRecorder({ name: 'g', protocol: 'smtp', target: 't:25' }, series);
  made.begin(beganMs);
  return made;
}

function finish(of: RunRecorder, intendedMs: number, endMs: number, isOk = true): void {
  const outcome = isOk ? 'ok' : 'refused';
  of.finished('message', outcome, beganMs + intendedMs, beganMs + endMs);
}

function counts({ ok: okCount, refused, count, p50Ms, p99Ms, maxMs }: SeriesSecond) {
  return { ok: okCount, refused, count, p50Ms, p99Ms, maxMs };
}

test('latency stands in the second a job was meant to start in, its outcome in the one it came in', () => {
  const series = new Series();
  const of = recorder(series);
  for (let i = 0; i < 99; i++) finish(of, i, i + 4);
  finish(of, 900, 2_900);
  finish(of, 1_100, 2_950, false);
  const nothing = { count: 0, p50Ms: null, p99Ms: null, maxMs: null };
  deepStrictEqual(series.seconds().map(counts), [
    { ok: 99, refused: 0, count: 100, p50Ms: 4.001, p99Ms: 4.001, maxMs: 2_000 },
    { ok: 0, refused: 0, ...nothing },
    { ok: 1, refused: 1, ...nothing },
  ]);
  const { operations, gapMsMax, seconds } = of.report(0);
  strictEqual(gapMsMax, 2_900 - 102);
  strictEqual(seconds, 2.95);
  deepStrictEqual([operations.message!.ok, operations.message!.refused], [100, 1]);
});

test('a gap goes from the begin to the first that is ok, and from the last to the end', () => {
  const late = recorder();
  finish(late, 0, 700);
  finish(late, 800, 900);
  late.end(beganMs + 1_000);
  strictEqual(late.report(0).gapMsMax, 700);
  const gone = recorder();
  finish(gone, 0, 10);
  finish(gone, 20, 4_000, false);
  gone.end(beganMs + 3_000);
  strictEqual(gone.report(0).gapMsMax, 3_990, 'what was under way when it was stopped was not ok');
  const never = recorder();
  never.end(beganMs + 5_000);
  strictEqual(never.report(0).gapMsMax, 5_000);
});

test('a second long past is packed and takes what comes late all the same', () => {
  const series = new Series();
  const of = recorder(series);
  for (let i = 0; i < 500; i++) finish(of, i, i + 10);
  finish(of, 90_000, 90_001);
  finish(of, 999, 120_999);
  const first = series.seconds()[0]!;
  deepStrictEqual([first.count, first.p50Ms, Math.round(first.maxMs! / 1000)], [501, 10.007, 120]);
});

test('names without end are told apart up to a bound; the rest is "other"', () => {
  const of = recorder();
  for (let i = 0; i < 80; i++) {
    of.reply('message', `450 ${i}`);
    of.finished(`get ${i}`, 'ok', 0, 1);
    of.closing(`why ${i}`);
    of.phase('message', `phase ${i}`, 1);
  }
  of.reply('message', `550 ${'x'.repeat(100)}`, 3);
  const { operations, closings } = of.report(0);
  strictEqual(Object.keys(operations).length, 51);
  strictEqual(operations.other!.ok, 31);
  strictEqual(operations.message!.replies.other, 33);
  strictEqual(closings.other, 30);
  strictEqual(operations.message!.phases.other!.count, 30);
});

function report(fields: Partial<RunReport>): RunReport {
  return {
    ...{ format: 'chaski-load-report', version: 1, scenario: 's', target: 't', seed: 1 },
    machine: { host: 'a', cpu: 'c', cores: 1, kernel: 'k', runtime: 'r' },
    generator: { threads: 1, cpuSeconds: 1 },
    ...{ beganAt: '2026-01-01T00:00:00.000Z', seconds: 3, groups: [], series: [], unstarted: 0 },
    thresholds: [],
    ...fields,
  };
}

test('reports of two machines add up to what one that saw all would say', () => {
  const random = new SeededRandom(5);
  const all = { series: new Series(), recorder: recorder() };
  const parts = [0, 1].map(() => ({ series: new Series() }));
  const recorders = parts.map(({ series }) => recorder(series));
  const whole = recorder(all.series);
  for (let i = 0; i < 5_000; i++) {
    const intendedMs = i;
    const endMs = i + -Math.log(1 - random.fraction()) * 20;
    const of = recorders[i % 2]!;
    for (const each of [of, whole]) {
      finish(each, intendedMs, endMs, i % 10 > 0);
      each.phase('message', 'mail', endMs - intendedMs);
      each.copies('ok', 2);
      each.reply('message', i % 3 === 0 ? '450 a' : '450 b');
    }
  }
  const [one, two] = recorders.map((each, at) =>
    report({ groups: [each.report(1)], series: parts[at]!.series.seconds(), unstarted: 1 }),
  );
  const merged = mergeReports([one!, two!]);
  const expected = whole.report(2);
  const { gapMsMax, ...group } = merged.groups[0]!;
  ok(gapMsMax >= expected.gapMsMax);
  deepStrictEqual({ ...group, gapMsMax: expected.gapMsMax }, expected);
  deepStrictEqual(merged.series, all.series.seconds());
  deepStrictEqual([merged.unstarted, merged.generator.threads], [2, 2]);
  deepStrictEqual(totalsOf(merged).latency.count, 4_500);
});

test('series of machines that began apart are laid over each other by wall time', () => {
  const second = { ok: 1, refused: 0, unknown: 0, unsent: 0, bytesSent: 1, bytesReceived: 0 };
  const empty = { count: 0, p50Ms: null, p99Ms: null, maxMs: null };
  const merged = mergeSeries([
    { beganMs: 10_000, series: [0, 1].map((at) => ({ ...second, ...empty, second: at })) },
    { beganMs: 11_020, series: [{ ...second, ...empty, second: 0 }] },
  ]);
  deepStrictEqual(
    merged.map(({ second: at, ok: count, bytesSent }) => [at, count, bytesSent]),
    [
      [0, 1, 1],
      [1, 2, 2],
    ],
  );
});

test('what was done to the server is told by the merged clock, and a ledger by its own folder only', () => {
  const recount = { account: {} as never, waitedSeconds: 0, faults: [] };
  const later = { beganAt: '2026-01-01T00:00:02.500Z' };
  const { marks, ...merged } = mergeReports([
    report({ ...later, marks: [{ second: 1, text: 'kill', isDone: true }], recount }),
    report({ marks: [{ second: 3, text: 'stall', isDone: true, endSecond: 4 }] }),
    report({ marks: [{ second: 6, text: 'cut', isDone: false }] }),
  ]);
  deepStrictEqual(marks, [
    { second: 3, text: 'stall', isDone: true, endSecond: 4 },
    { text: 'kill', isDone: true, second: 3.5 },
    { second: 6, text: 'cut', isDone: false },
  ]);
  strictEqual('recount' in merged, false);
  strictEqual('marks' in mergeReports([report(later), report({})]), false);
});

test('a group tells while it runs what it did so far, and how many sessions it has', () => {
  const of = recorder();
  for (const ms of [5, 10]) finish(of, 0, ms);
  finish(of, 0, 20, false);
  of.phase('session', 'connect', 1);
  for (let i = 0; i < 3; i++) of.connection();
  of.closing('done');
  of.bytes(100, 20);
  const { operations, ...counted } = of.live();
  deepStrictEqual(counted, {
    ...{ name: 'g', sessions: 2, connections: 3, bytesSent: 100, bytesReceived: 20 },
  });
  deepStrictEqual(Object.keys(operations), ['message']);
  const { histogram, ...outcomesSoFar } = operations.message!;
  deepStrictEqual(outcomesSoFar, { ok: 2, refused: 1, unknown: 0, unsent: 0 });
  strictEqual(Histogram.decode(histogram).count, 2);
});

test('groups of other names stay apart', () => {
  const one = recorder().report(0);
  const merged = mergeGroups([[one, { ...one, name: 'h' }], [one]]);
  deepStrictEqual(
    merged.map(({ name }) => name),
    ['g', 'h'],
  );
});

test('a histogram comes back from its text with every count', () => {
  const histogram = new Histogram();
  for (let i = 1; i < 2_000; i++) histogram.record(i * i * 0.01);
  const back = Histogram.decode(histogram.encode());
  const { maxMs, meanMs, ...rest } = histogram.summary();
  const found = back.summary();
  deepStrictEqual(found, { ...rest, maxMs: found.maxMs, meanMs: found.meanMs });
  ok(Math.abs(found.meanMs - meanMs) < meanMs / 1_000);
  ok(Math.abs(found.maxMs - maxMs) < maxMs / 1_000);
  back.add(histogram);
  strictEqual(back.count, 2 * histogram.count);
  throws(() => Histogram.decode('A'.repeat(200_000)), /too long/);
});

test('what is no report, or one of another version, is told', () => {
  throws(() => parseReport('x', 'f.json'), /f\.json is not JSON/);
  throws(() => parseReport('{"a":1}', 'f.json'), /is no load report/);
  const other = { ...report({}), version: 9 };
  throws(() => parseReport(JSON.stringify(other), 'f.json'), /of version 9/);
  throws(() => parseReport('{"format":"chaski-load-report","version":1}', 'f'), /without groups/);
  deepStrictEqual(parseReport(JSON.stringify(report({})), 'f.json'), report({}));
});

test('what a server says cannot move the cursor of a terminal', () => {
  const of = recorder();
  of.reply('message', '550 \x1b[2Jgone\r\n550 \u009b31m', 2);
  of.closing('421 \x07bye');
  const { operations, closings } = of.report(0);
  deepStrictEqual(operations.message!.replies, { '550  [2Jgone 550  31m': 2 });
  deepStrictEqual(Object.keys(closings), ['421  bye']);
});

test('the last second is shown as it was, also when nothing came in it', () => {
  const series = new Series();
  finish(recorder(series), 100, 101);
  strictEqual(series.latest(500), undefined);
  strictEqual(series.latest(1_500)!.ok, 1);
  deepStrictEqual([series.latest(9_500)!.second, series.latest(9_500)!.ok], [8, 0]);
});

test('reports of different days are not added up', () => {
  const later = report({ beganAt: '2026-01-03T00:00:00.000Z' });
  throws(() => mergeReports([report({}), later]), /more than a day apart/);
  throws(() => mergeReports([report({ beganAt: 'now' }), report({})]), /more than a day apart/);
});
