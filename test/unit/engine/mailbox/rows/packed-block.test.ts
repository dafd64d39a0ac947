/** Aim: flags changed in a packed block give the octets that the unpacked, changed and packed block gives. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withFlags, withMessage } from '../../../../../src/engine/mailbox/rows/packed-block.ts';
import {
  decodeUidBlock,
  deletedFlag,
  popcount,
  seenFlag,
  systemFlags,
  UidBlock,
} from '../../../../../src/engine/mailbox/rows/uid-block.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

const slots = 128;
const flagOps = ['add', 'remove', 'replace'] as const;
const rounds = 3_000;

describe('Flags changed in a packed block', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  const bases = [1, 1_000, 2 ** 32 - 50, 2 ** 32, 2 ** 40];

  function block(keywords: number): UidBlock {
    const made = new UidBlock();
    const base = bases[random.below(bases.length)]!;
    const last = random.below(slots);
    for (let slot = 0; slot <= last; slot++) {
      if (random.below(4) === 0) continue;
      // Now and then a modseq so much higher that the oldest ones are raised.
      const modseq = base + random.below(200) + (random.below(400) === 0 ? 2 ** 33 : 0);
      made.add(slot, 1 + random.below(2 ** 31), modseq);
      for (let flag = 0; flag < systemFlags.length; flag++) {
        if (random.below(6) === 0) made.setFlag(slot, flag, true);
      }
      for (let keyword = 0; keyword < keywords; keyword++) {
        if (random.below(8) === 0) made.setKeyword(slot, keyword * 3, true);
      }
    }
    return made;
  }

  function someOf(made: UidBlock): Uint8Array {
    const all = random.below(4) === 0;
    const wanted = new Uint8Array(slots / 8);
    for (const slot of made.slots()) {
      if (all || random.below(5) === 0) wanted[slot >> 3]! |= 1 << (slot & 7);
    }
    return wanted;
  }

  function changed(row: Uint8Array, wanted: Uint8Array, op: string, flags: number, modseq: number) {
    const after = decodeUidBlock(row);
    for (const slot of after.slots()) {
      if ((wanted[slot >> 3]! & (1 << (slot & 7))) === 0) continue;
      for (let flag = 0; flag < systemFlags.length; flag++) {
        const isNamed = ((flags >> flag) & 1) === 1;
        if (isNamed || op === 'replace') after.setFlag(slot, flag, isNamed && op !== 'remove');
      }
      after.modseqs[slot] = modseq;
    }
    return after;
  }

  const countOf = (made: UidBlock, flag: number) =>
    [...made.slots()].filter((slot) => made.hasFlag(slot, flag)).length;

  it('are packed as the unpacked block would be, and counted', () => {
    for (let round = 0; round < rounds; round++) {
      const say = `seed ${seed} round ${round}`;
      const before = block(random.below(3));
      const wanted = someOf(before);
      if (popcount(wanted) === 0) continue;
      const op = flagOps[random.below(flagOps.length)]!;
      const flags = random.below(1 << systemFlags.length);
      const row = before.encode();
      const modseq = 2 ** 41 + random.below(3) * 2 ** 33;
      const found = withFlags(row, wanted, op, flags, modseq);
      if (op === 'replace' && row[3]! > 0) {
        assert.equal(found, undefined, say);
        continue;
      }
      const after = changed(row, wanted, op, flags, modseq);
      assert.deepEqual(Buffer.from(found!.row), after.encode(), say);
      assert.equal(found!.seen, countOf(after, seenFlag) - countOf(before, seenFlag), say);
      assert.equal(found!.deleted, countOf(after, deletedFlag) - countOf(before, deletedFlag), say);
      assert.deepEqual(row, before.encode(), `${say}: the row before is as it was`);
    }
  });

  it('leave no column without a bit', () => {
    const before = new UidBlock();
    before.add(5, 7, 1);
    before.setFlag(5, seenFlag, true);
    const wanted = new Uint8Array(slots / 8);
    wanted[0] = 1 << 5;
    const { row } = withFlags(before.encode(), wanted, 'remove', 1 << seenFlag, 2)!;
    assert.equal(row[2], 0);
    assert.equal(row.byteLength, before.encode().byteLength - slots / 8);
  });

  it('a message behind all others is packed as into the unpacked block', () => {
    for (let round = 0; round < rounds; round++) {
      const say = `seed ${seed} round ${round}`;
      const before = block(random.below(3));
      const row = before.encode();
      const count = row[1]!;
      if (count === 0 || count === slots) continue;
      const slot = count + random.below(slots - count);
      const [document, modseq] = [1 + random.below(2 ** 31), 2 ** 41 + random.below(3) * 2 ** 33];
      const flags = random.below(1 << systemFlags.length);
      const after = decodeUidBlock(row);
      after.add(slot, document, modseq);
      for (let flag = 0; flag < systemFlags.length; flag++) {
        if ((flags >> flag) & 1) after.setFlag(slot, flag, true);
      }
      const found = withMessage(row, slot, document, modseq, flags);
      assert.deepEqual(Buffer.from(found), after.encode(), say);
    }
  });
});
