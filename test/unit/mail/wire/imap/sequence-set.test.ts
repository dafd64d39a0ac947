/** Sets of numbers: RFC 9051 §9 (sequence-set), §6.4.9; RFC 5182 (`$`). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import {
  cutRanges,
  largestOf,
  normaliseSet,
  parseKnownSet,
  parseSequenceSet,
  rangesFrom,
} from '../../../../../src/mail/wire/imap/sequence-set.ts';

const open = (text: string) => new Cursor().open(Buffer.from(text), 0, text.length);

function normal(text: string, largest: number): number[] {
  const cursor = open(text);
  const set = parseSequenceSet(cursor);
  assert.ok(set !== undefined && cursor.isAtEnd(), `${text}: ${cursor.fault}`);
  return normaliseSet(set, largest);
}

const cases: readonly (readonly [string, number, readonly number[]])[] = [
  ['1', 10, [1, 1]],
  ['1:3', 10, [1, 3]],
  ['3:1', 10, [1, 3]],
  ['*', 10, [10, 10]],
  ['2:*', 10, [2, 10]],
  ['*:2', 10, [2, 10]],
  ['559:*', 10, [10, 559]],
  ['*', 0, []],
  ['1:*', 0, []],
  ['1:*,4', 0, [4, 4]],
  ['5,1,3', 10, [1, 1, 3, 3, 5, 5]],
  ['1,2,3', 10, [1, 3]],
  ['1:5,3:8,10', 10, [1, 8, 10, 10]],
  ['1:9,2:3,10', 10, [1, 10]],
  ['4294967295', 10, [4294967295, 4294967295]],
];

for (const [text, largest, ranges] of cases) {
  test(`${text} of ${largest} is ${ranges.join(' ') || 'nothing'}`, () => {
    assert.deepEqual(normal(text, largest), ranges);
  });
}

for (const text of ['', '0', '1:0', '1,', ',1', '1:', '1::2', '4294967296', 'a', '-1', '1:2:3']) {
  test(`"${text}" is no set, or not all of one`, () => {
    const cursor = open(text);
    const set = parseSequenceSet(cursor);
    assert.ok(set === undefined || !cursor.isAtEnd());
  });
}

test('$ is what was saved', () => {
  assert.deepEqual(parseSequenceSet(open('$')), { ranges: [], isSaved: true });
});

test('known numbers are numbers', () => {
  assert.ok(parseKnownSet(open('1:4,7')) !== undefined);
  assert.equal(parseKnownSet(open('1:*')), undefined);
  assert.equal(parseKnownSet(open('$')), undefined);
});

test('a set of too many ranges is refused', () => {
  const cursor = open(Array.from({ length: 20_001 }, (_, i) => i * 2 + 1).join(','));
  assert.equal(parseSequenceSet(cursor), undefined);
  assert.equal(cursor.faultKind, 'limit');
});

test('the largest is known, and what is above a number is cut off', () => {
  assert.equal(largestOf([]), 0);
  assert.equal(largestOf([1, 4, 9, 12]), 12);
  assert.deepEqual(cutRanges([1, 4, 9, 12], 10), [1, 4, 9, 10]);
  assert.deepEqual(cutRanges([1, 4, 9, 12], 8), [1, 4]);
  assert.deepEqual(cutRanges([9, 12], 8), []);
});

test('what is left of ranges from a number on', () => {
  const ranges = [1, 4, 9, 9, 12, 20];
  assert.equal(rangesFrom(ranges, 1), ranges);
  assert.deepEqual(rangesFrom(ranges, 3), [3, 4, 9, 9, 12, 20]);
  assert.deepEqual(rangesFrom(ranges, 10), [12, 20]);
  assert.deepEqual(rangesFrom(ranges, 20), [20, 20]);
  assert.deepEqual(rangesFrom(ranges, 21), []);
});
