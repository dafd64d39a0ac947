/** Aim: a place added to a packed row gives the octets that packing the changed row gives, whatever the row holds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placed } from '../../../../../src/engine/mailbox/rows/document-places.ts';
import {
  type DocumentRow,
  encodeDocument,
  uidIn,
  withPlace,
} from '../../../../../src/engine/mailbox/rows/document-row.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

const numbers = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff];

describe('A place added to a packed document', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  const one = () => numbers[random.below(numbers.length)]!;

  function row(placesCount: number): DocumentRow {
    const [sequence, segment, offset, bytes, bodyOffset, bodyBytes] = [
      one(),
      one(),
      one(),
      one(),
      one(),
      one(),
    ];
    const internalMs = random.below(2) === 0 ? one() : 1_790_000_000_000 + random.below(1_000);
    return {
      place: { sequence, segment, offset, bytes, bodyOffset, bodyBytes },
      size: one(),
      internalMs,
      thread: one(),
      hash: Buffer.from(random.bytes(32)),
      places: Array.from({ length: placesCount * 2 }, one),
    };
  }

  it('is packed as the unpacked row would be', () => {
    for (let round = 0; round < 2_000; round++) {
      const before = row(random.below(7));
      const [mailbox, uid] = [one(), one()];
      const found = placed(encodeDocument(before), mailbox, uid);
      const say = `seed ${seed} round ${round}`;
      assert.deepEqual(
        found?.row,
        Buffer.from(encodeDocument(withPlace(before, mailbox, uid))),
        say,
      );
      const { size, internalMs, thread } = before;
      const wasThere = before.places.some((number, i) => i % 2 === 0 && number === mailbox);
      if (uidIn(before, mailbox) > 0) assert.ok(wasThere, say);
      assert.deepEqual(
        { ...found, row: undefined },
        { size, internalMs, thread, wasThere, row: undefined },
        say,
      );
    }
  });

  it('is left to who unpacks the row, where there are many or it is kept', () => {
    assert.equal(placed(encodeDocument(row(7)), 1, 1), undefined);
    const kept = { modseq: 1, untilMs: 1, flags: 0, keywords: [] };
    assert.equal(placed(encodeDocument({ ...row(1), kept }), 1, 1), undefined);
  });
});
