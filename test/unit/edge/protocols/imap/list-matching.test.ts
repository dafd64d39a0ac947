/** Aim: whatever names and patterns are made of, a LIST holds up nobody for long, and finds what matches. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  matchedNames,
  matchStepsMax,
} from '../../../../../src/edge/protocols/imap/list-matching.ts';

const names = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => `${i} `.padEnd(length, 'a'));

it('finds names that match any of the patterns, below the reference', async () => {
  const all = ['INBOX', 'Lists', 'Lists/A', 'Lists/A/B', 'Other'];
  const found = async (reference: string, ...patterns: string[]) => [
    ...((await matchedNames(all, { reference, patterns })) ?? []),
  ];
  assert.deepEqual(await found('', '%'), ['INBOX', 'Lists', 'Other']);
  assert.deepEqual(await found('Lists/', '%', '%/B'), ['Lists/A', 'Lists/A/B']);
  assert.deepEqual(await found('', 'inbox', 'O*'), ['INBOX', 'Other']);
  assert.deepEqual(await found('', 'x*'), []);
});

it('leaves turns to others while it matches', async () => {
  const [count, length] = [100, 1_000];
  const pattern = '*a'.repeat(100);
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const found = await matchedNames(names(count, length), { reference: '', patterns: [pattern] });
  isOver = true;
  assert.equal(found!.size, count);
  assert.ok(turns >= 90, `${turns} turns in ${count * length * pattern.length} steps`);
});

it('says that it would take too long, at once', async () => {
  const [count, length] = [1_000, 1_000];
  const patterns = ['x'.repeat(matchStepsMax / count / length)];
  const all = names(count, length);
  assert.deepEqual(await matchedNames(all, { reference: '', patterns }), new Set());
  assert.equal(await matchedNames(all, { reference: '', patterns: [...patterns, '*'] }), undefined);
});
