/** Aim: a row read right after it was written is the row that its octets say, however often it is remembered. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AccountRow,
  decodeAccount,
  encodeAccount,
} from '../../../../../src/engine/mailbox/rows/account-row.ts';
import { LatestRows } from '../../../../../src/engine/mailbox/rows/latest-rows.ts';
import {
  decodeMailbox,
  encodeMailbox,
  type MailboxRow,
} from '../../../../../src/engine/mailbox/rows/mailbox-row.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

describe('Rows that were packed last', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  const one = () => [0, 1, 127, 65_536, 2 ** 40][random.below(5)]!;

  function mailbox(): MailboxRow {
    const [messages, recentUid] = [one(), 1 + random.below(3)];
    return {
      ...{ name: `m${one()}`, parent: one(), role: 'inbox', uidValidity: one(), uidNext: one() },
      ...{ messages, unseen: one(), deleted: one(), bytes: one(), highestModseq: one() },
      ...{ vanishedFloor: one(), modseqFloor: one(), keywords: random.below(2) ? [] : ['a', 'b'] },
      // What is told of nobody counts all; a row that says otherwise is read as its octets say.
      ...{ recentUid, recent: random.below(2) === 0 ? messages : one() },
    };
  }

  function account(): AccountRow {
    return {
      ...{ mailboxNext: one(), documentNext: one(), threadNext: one(), modseq: one() },
      ...{ bytes: one(), documents: one(), deliveriesDay: one() },
      ...{ quotaBytes: one(), quotaMessages: one(), changesFloor: one() },
    };
  }

  it('are what a reader of their octets unpacks', () => {
    for (let round = 0; round < 500; round++) {
      const say = `seed ${seed} round ${round}`;
      const box = encodeMailbox(mailbox());
      assert.deepEqual(decodeMailbox(box), decodeMailbox(Uint8Array.from(box)), say);
      const own = encodeAccount(account());
      assert.deepEqual(decodeAccount(own), decodeAccount(Uint8Array.from(own)), say);
    }
  });

  it('are forgotten, the oldest first, and told apart by their octets alone', () => {
    const rows = new LatestRows<number>();
    const packed = Array.from({ length: 9 }, () => Uint8Array.of(7));
    for (const [i, octets] of packed.entries()) assert.equal(rows.keep(i, octets), octets);
    assert.deepEqual(
      packed.map((octets) => rows.of(octets)),
      [undefined, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.equal(rows.of(Uint8Array.of(7)), undefined);
  });
});
