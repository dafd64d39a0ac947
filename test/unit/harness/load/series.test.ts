/**
 * Aim: a run's report can be cut at an incident: what a stall held up stands where the stall began.
 * Method: outcomes made by hand, given to a tally whose run began at an odd instant.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../../src/harness/load/load-session.ts';
import { Tally } from '../../../../src/harness/load/tally.ts';

const beganMs = 7_300;

function outcome(intendedMs: number, endMs: number, refusal?: string): Outcome {
  const message = { id: 'i', sha256: '', from: 'a@b', to: ['c@d'], bytes: 0, wire: [] };
  return {
    message: { ...message, intendedMs: beganMs + intendedMs },
    acknowledged: refusal === undefined ? ['c@d'] : [],
    refused: refusal === undefined ? [] : [{ to: ['c@d'], reply: refusal }],
    unknown: [],
    unsent: [],
    startMs: beganMs + intendedMs,
    sentMs: beganMs + intendedMs,
    endMs: beganMs + endMs,
  };
}

test('latency stands in the second a message was meant to start in, its outcome in the one it came in', () => {
  const tally = new Tally({ series: true });
  tally.begin(beganMs, 1_000_000);
  for (let i = 0; i < 99; i++) tally.addOutcome(outcome(i, i + 4));
  tally.addOutcome(outcome(900, 2_900));
  tally.addOutcome(outcome(1_100, 2_950, '451 4.3.1 Later'));
  const { series, gapMsMax } = tally.report(3, 0);
  strictEqual(series!.beganMs, 1_000_000);
  deepStrictEqual(series!.seconds, [
    { acknowledged: 99, refused: 0, latency: { count: 100, p50Ms: 4, p99Ms: 4, maxMs: 2_000 } },
    { acknowledged: 0, refused: 0, latency: null },
    { acknowledged: 1, refused: 1, latency: null },
  ]);
  strictEqual(gapMsMax, 2_900 - 102);
});

test('a run that was not asked for a series reports none', () => {
  const tally = new Tally();
  tally.begin(beganMs, 1_000_000);
  tally.addOutcome(outcome(0, 4));
  strictEqual(tally.report(1, 0).series, undefined);
  strictEqual(tally.report(1, 0).gapMsMax, 0);
});
