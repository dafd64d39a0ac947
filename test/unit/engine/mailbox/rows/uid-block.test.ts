/** Aim: a block of 128 UIDs keeps what it was told. Method: random changes against plain objects, seeds printed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeUidBlock,
  systemFlags,
  UidBlock,
} from '../../../../../src/engine/mailbox/rows/uid-block.ts';

interface Entry {
  readonly document: number;
  readonly modseq: number;
  readonly flags: Set<number>;
  readonly keywords: Set<number>;
}

const slot = fc.integer({ min: 0, max: 127 });
const change = fc.oneof(
  fc.tuple(fc.constant('add' as const), slot, fc.integer({ min: 1, max: 0xffff_ffff })),
  fc.tuple(fc.constant('remove' as const), slot, fc.constant(0)),
  fc.tuple(fc.constant('flag' as const), slot, fc.nat(systemFlags.length - 1)),
  fc.tuple(fc.constant('keyword' as const), slot, fc.nat(20)),
  fc.tuple(fc.constant('unflag' as const), slot, fc.nat(systemFlags.length - 1)),
);

function shown(block: UidBlock): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  for (const one of block.slots()) {
    const flags = systemFlags.map((_, flag) => flag).filter((flag) => block.hasFlag(one, flag));
    const keywords = [...block.keywords.keys()].filter((number) => block.hasKeyword(one, number));
    entries.set(one, {
      document: block.documents[one]!,
      modseq: block.modseqs[one]!,
      flags: new Set(flags),
      keywords: new Set(keywords.sort((a, b) => a - b)),
    });
  }
  return entries;
}

function apply(
  block: UidBlock,
  model: Map<number, Entry>,
  step: readonly [string, number, number],
  modseq: number,
): void {
  const [op, at, value] = step;
  const entry = model.get(at);
  if (op === 'add' && entry === undefined) {
    block.add(at, value, modseq);
    model.set(at, { document: value, modseq, flags: new Set(), keywords: new Set() });
  } else if (op === 'remove') {
    block.remove(at);
    model.delete(at);
  } else if (entry !== undefined && op === 'flag') {
    block.setFlag(at, value, true);
    entry.flags.add(value);
  } else if (entry !== undefined && op === 'unflag') {
    block.setFlag(at, value, false);
    entry.flags.delete(value);
  } else if (entry !== undefined && op === 'keyword') {
    block.setKeyword(at, value, true);
    entry.keywords.add(value);
  }
}

describe('uid block', () => {
  it('shows what was done to it, before and after packing', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 300 }),
        fc.integer({ min: 0, max: 2 ** 50 }),
        (steps, base) => {
          const block = new UidBlock();
          const model = new Map<number, Entry>();
          steps.forEach((step, i) => {
            apply(block, model, step, base + i);
          });
          const sorted = new Map([...model].sort(([a], [b]) => a - b));
          for (const entry of sorted.values()) {
            const order = [...entry.keywords].sort((a, b) => a - b);
            entry.keywords.clear();
            for (const keyword of order) entry.keywords.add(keyword);
          }
          assert.deepEqual(shown(block), sorted);
          const packed = block.encode();
          assert.deepEqual(shown(decodeUidBlock(packed)), sorted);
          // Equal blocks pack to equal bytes, whatever they went through.
          assert.deepEqual(decodeUidBlock(packed).encode(), packed);
          assert.equal(block.count, model.size);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is small when few UIDs are in it, and stays under 1.3 kB when full', () => {
    const block = new UidBlock();
    block.add(0, 1, 1);
    assert.ok(block.encode().length <= 40);
    for (let at = 1; at < 128; at++) block.add(at, at + 1, at + 1);
    for (let at = 0; at < 128; at++)
      for (let flag = 0; flag < 5; flag++) block.setFlag(at, flag, true);
    assert.ok(block.encode().length <= 1_300);
  });

  it('raises modseqs that lie too far behind the newest', () => {
    const block = new UidBlock();
    block.add(3, 1, 5);
    block.add(4, 2, 2 ** 40);
    const again = decodeUidBlock(block.encode());
    assert.equal(again.modseqs[4], 2 ** 40);
    assert.ok(again.modseqs[3]! >= 5 && again.modseqs[3]! < 2 ** 40);
  });

  it('is empty where there is no row, and refuses a version it does not know', () => {
    assert.equal(decodeUidBlock(undefined).count, 0);
    assert.throws(() => decodeUidBlock(Buffer.alloc(28, 9)));
  });
});
