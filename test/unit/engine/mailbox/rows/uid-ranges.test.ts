/** Aim: sets of ids survive packing, splitting and listing. Method: random sets, seeds printed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  countOf,
  idsOf,
  packRanges,
  rangesOf,
  splitRanges,
  unpackRanges,
} from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';

const ids = fc
  .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 0xffff_ffff })))
  .map((all) => all.sort((a, b) => a - b));

describe('uid ranges', () => {
  it('hold the ids they were made of, with no two ranges that touch', () => {
    fc.assert(
      fc.property(ids, (set) => {
        const ranges = rangesOf(set);
        assert.deepEqual([...idsOf(ranges)], set);
        assert.equal(countOf(ranges), set.length);
        for (let i = 2; i < ranges.length; i += 2) assert.ok(ranges[i]! > ranges[i - 1]! + 1);
      }),
    );
  });

  it('are the same after packing, and a long run packs small', () => {
    fc.assert(
      fc.property(ids, (set) => {
        assert.deepEqual(unpackRanges(packRanges(rangesOf(set))), rangesOf(set));
      }),
    );
    assert.ok(packRanges([1, 1_000_000]).length <= 4);
    assert.deepEqual(unpackRanges(packRanges([])), []);
    assert.deepEqual(unpackRanges(packRanges([1, 0xffff_ffff])), [1, 0xffff_ffff]);
  });

  it('split after a count, with nothing lost', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 70 }), (set, count) => {
        const [head, tail] = splitRanges(rangesOf(set), count);
        assert.deepEqual([...idsOf(head)], set.slice(0, count));
        assert.deepEqual([...idsOf(tail)], set.slice(count));
      }),
    );
  });
});
