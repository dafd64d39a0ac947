/**
 * Aim: the judge of aimed kills finds each way to be wrong, and lets every right one pass.
 * Method: ledgers of one message to an account and two sites.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AimedJudge } from './aimed-judge.ts';

const here = 'user1@local.test';
const there = 'remote1@one.test';
const yonder = 'remote1@two.test';
const id = '1';
const atMs = 0;

interface Case {
  readonly acknowledged?: readonly string[];
  readonly refused?: readonly string[];
  readonly arrived: readonly string[];
  readonly isAllOrNone?: boolean;
}

function judge({ acknowledged = [], refused = [], arrived, isAllOrNone = true }: Case) {
  const judge = new AimedJudge({ localDomain: 'local.test', isAllOrNone });
  judge.add('injected', { id, sha256: '', bytes: 1, to: [here, there, yonder], intendedMs: 0 });
  judge.add('acknowledged', { id, to: acknowledged, sentMs: 0, atMs });
  judge.add('refused', { id, to: refused, reply: '', atMs });
  for (const to of arrived) judge.add('arrived', { id, sha256: '', to: [to], via: '', atMs });
  return { faults: judge.faults(), doubledOutside: judge.doubledOutside };
}

const all = [here, there, yonder];

test('once each, and once more outside, is right', () => {
  assert.deepEqual(judge({ acknowledged: all, arrived: all }).faults, []);
  const doubled = judge({ acknowledged: all, arrived: [...all, there] });
  assert.deepEqual(doubled, { faults: [], doubledOutside: 1 });
});

test('what was acknowledged must come', () => {
  const { faults } = judge({ acknowledged: all, arrived: [here, there] });
  assert.deepEqual(faults, [`${id}: acknowledged and never came to ${yonder}`]);
});

test('twice in an account is wrong, and three times outside', () => {
  const local = judge({ acknowledged: all, arrived: [...all, here] });
  assert.deepEqual(local.faults, [`${id}: 2 times in ${here}`]);
  const outside = judge({ acknowledged: all, arrived: [...all, there, there] });
  assert.deepEqual(outside.faults, [`${id}: 3 times at ${there}, killed once`]);
});

test('what was not acknowledged comes for all or for none, unless each has its own record', () => {
  assert.deepEqual(judge({ arrived: [] }).faults, []);
  assert.deepEqual(judge({ arrived: all }).faults, []);
  assert.deepEqual(judge({ arrived: [here] }).faults, [`${id}: not acknowledged, came for 1 of 3`]);
  assert.deepEqual(judge({ arrived: [here], isAllOrNone: false }).faults, []);
});

test('what was refused must not come', () => {
  assert.deepEqual(judge({ refused: all, arrived: [here] }).faults, [
    `${id}: refused and came to ${here}`,
  ]);
});
