/**
 * Aim: columns read where they stand are those of a decoded block, and whole columns change as slot after slot.
 * Method: random blocks both ways; seeds printed by fast-check.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keywordsOf, systemFlagsOf } from '../../../../../src/engine/mailbox/imap/flags-of.ts';
import { BlockColumns } from '../../../../../src/engine/mailbox/rows/block-columns.ts';
import {
  decodeUidBlock,
  systemFlags,
  UidBlock,
} from '../../../../../src/engine/mailbox/rows/uid-block.ts';

const names = Array.from({ length: 20 }, (_, i) => `$k${i}`);
const message = fc.record({
  slot: fc.nat(127),
  document: fc.integer({ min: 1, max: 0xffff_ffff }),
  modseq: fc.integer({ min: 2 ** 40, max: 2 ** 40 + 2 ** 31 }),
  flags: fc.uniqueArray(fc.nat(systemFlags.length - 1)),
  keywords: fc.uniqueArray(fc.nat(19), { maxLength: 3 }),
});
const messages = fc.uniqueArray(message, { selector: ({ slot }) => slot, maxLength: 128 });

function blockOf(
  all: readonly (typeof message extends fc.Arbitrary<infer M> ? M : never)[],
): UidBlock {
  const block = new UidBlock();
  for (const { slot, document, modseq, flags, keywords } of all) {
    block.add(slot, document, modseq);
    for (const flag of flags) block.setFlag(slot, flag, true);
    for (const keyword of keywords) block.setKeyword(slot, keyword, true);
  }
  return block;
}

describe('columns of a packed block', () => {
  it('say what the block says, one block after the other', () => {
    const columns = new BlockColumns();
    fc.assert(
      fc.property(messages, (all) => {
        const row = blockOf(all).encode();
        const block = decodeUidBlock(row);
        columns.open(row);
        // The row may be one that the next look into the table writes over.
        row.fill(0xff);
        for (const slot of block.slots()) {
          assert.equal(columns.existsByte(slot >> 3) & (1 << (slot & 7)), 1 << (slot & 7));
          assert.equal(columns.document(slot), block.documents[slot]);
          assert.equal(columns.modseq(slot), block.modseqs[slot]);
          assert.equal(columns.flagMask(slot), systemFlagsOf(block, slot));
          assert.deepEqual(columns.keywords(slot, names), keywordsOf(block, slot, names));
        }
        for (let byte = 0; byte < 16; byte++) {
          assert.equal(columns.existsByte(byte), block.exists[byte]);
        }
      }),
    );
  });

  it('change as a whole as they do slot by slot', () => {
    const some = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(messages, some, fc.nat(4), fc.boolean(), (all, mask, flag, isOn) => {
        const whole = blockOf(all);
        const single = blockOf(all);
        const slots = mask.map((byte, i) => byte & whole.exists[i]!);
        whole.setFlags(slots, flag, isOn);
        whole.setKeywords(slots, flag, isOn);
        for (const slot of single.slots()) {
          if ((slots[slot >> 3]! & (1 << (slot & 7))) === 0) continue;
          single.setFlag(slot, flag, isOn);
          single.setKeyword(slot, flag, isOn);
        }
        assert.deepEqual(whole.encode(), single.encode());
      }),
    );
  });
});
