/** Aim: no promise of a simulated day is said to be kept when it was not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gibibyte } from '../../../src/base/units.ts';
import type { DayOptions, DayReport } from './internet.ts';
import { simulateDay } from './internet.ts';
import { verdictOfSeed, verdictsOfDay, withMark } from './verdict.ts';

const kept: DayReport = {
  faults: [],
  counts: {
    ...{ accepted: 9, recipients: 10, delivered: 6, duplicates: 1, failed: 1, expired: 1 },
    ...{ queued: 2, deferrals: 5, reports: 2 },
  },
  connectionsMost: 8,
  busiestMinute: 3,
  fairness: { windows: 4, unfair: 0, meanSpread: 0.01, worst: [] },
  ...{ eventsHash: 'ab', eventsBytes: 1, markHash: 'cd', diskBytesMost: 1 },
  firstAttemptMs: new Map(),
};

test('a day is judged by its faults, by whether all recipients are accounted for, by shares and memory', () => {
  const judge = (day: Partial<DayReport>, peakBytes = gibibyte) =>
    verdictsOfDay({ ...kept, ...day }, peakBytes).map(({ isKept }) => isKept);
  assert.deepEqual(judge({}), [true, true, true]);
  assert.deepEqual(judge({ faults: ['u1 is lost'] }), [false, true, true]);
  assert.deepEqual(judge({ counts: { ...kept.counts, queued: 1 } }), [false, true, true]);
  assert.deepEqual(judge({ fairness: { ...kept.fairness, unfair: 1 } }), [true, false, true]);
  assert.deepEqual(judge({}, 5 * gibibyte), [true, true, false]);
});

test('another beginning of the same day is found out', async () => {
  const options: DayOptions = { seed: 3, hours: 0.02, tenants: 3, domains: 8, messages: 60 };
  const day = await simulateDay({ ...withMark(options), endsAtMark: true });
  const same = await verdictOfSeed(options, day);
  assert.equal(same.isKept, true, same.figure);
  const other = await verdictOfSeed({ ...options, seed: 4 }, day);
  assert.equal(other.isKept, false, other.figure);
});
