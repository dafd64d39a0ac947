/**
 * Aim: a scenario is played elsewhere, longer or from another seed, and is the same load.
 * Method: plans as they are read, compared key by key.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overridden } from '../../../../src/harness/run/overridden.ts';
import { readScenario } from '../../../../src/harness/scenario/shape.ts';

const groups = [
  { protocol: 'smtp', name: 'a', sessions: 3, count: 9, target: 'a:1' },
  { protocol: 'lmtp', name: 'b', rate: 5, duration: '2s', target: 'b:2' },
];
const plan = readScenario({ seed: 7, groups }, { name: 'two', base: '/' });

test('what is said of groups holds for each, and nothing else changes', () => {
  const target = { host: 'c', port: 3 };
  const changed = overridden(plan, { target, countMax: 4, durationMs: 500 });
  for (const [at, group] of changed.groups.entries()) {
    assert.deepEqual(group, { ...plan.groups[at], target, countMax: 4, durationMs: 500 });
  }
  assert.deepEqual({ ...changed, groups: [] }, { ...plan, groups: [] });
});

test('seed and ledger are of the run; what is absent stays', () => {
  const changed = overridden(plan, { seed: 8, ledger: '/ledger' });
  assert.deepEqual(changed, { ...plan, seed: 8, ledger: '/ledger' });
  assert.deepEqual(overridden(plan, {}), plan);
});
