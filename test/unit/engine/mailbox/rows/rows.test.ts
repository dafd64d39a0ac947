/** Aim: rows come back as they were written, and equal rows are equal bytes. Method: random rows, seeds printed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeAccount,
  encodeAccount,
} from '../../../../../src/engine/mailbox/rows/account-row.ts';
import {
  changeOps,
  changeTypes,
  decodeChanges,
  encodeChanges,
} from '../../../../../src/engine/mailbox/rows/change-row.ts';
import {
  decodeDocument,
  encodeDocument,
  uidIn,
  withoutPlace,
  withPlace,
} from '../../../../../src/engine/mailbox/rows/document-row.ts';
import {
  decodeMailbox,
  encodeMailbox,
  roles,
} from '../../../../../src/engine/mailbox/rows/mailbox-row.ts';
import { packRow } from '../../../../../src/engine/mailbox/rows/packing.ts';
import {
  decodeParsed,
  encodeParsed,
  encodeParsedPlace,
  type Parsed,
} from '../../../../../src/engine/mailbox/rows/parsed-row.ts';
import {
  decodeCandidates,
  decodeThread,
  encodeCandidates,
  encodeThread,
} from '../../../../../src/engine/mailbox/rows/thread-row.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';

const number = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 2 ** 50 }));
const u32 = fc.integer({ min: 1, max: 0xffff_ffff });
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** With a prototype: what is decoded has one, and strict equality looks at it. */
const place = fc.record(
  {
    sequence: number,
    segment: u32,
    offset: u32,
    bytes: u32,
    bodyOffset: u32,
    bodyBytes: u32,
  },
  { noNullPrototype: true },
);
const ranges = fc
  .uniqueArray(fc.integer({ min: 1, max: 1_000 }), { maxLength: 20 })
  .map((ids) => ids.sort((a, b) => a - b).flatMap((id) => [id * 3, id * 3 + 1]));

function survives<Row>(
  row: fc.Arbitrary<Row>,
  encode: (row: Row) => Uint8Array,
  decode: (value: Uint8Array) => Row,
): void {
  fc.assert(
    fc.property(row, (one) => {
      const value = encode(one);
      const again = decode(new Uint8Array(value));
      assert.deepEqual(normal(again), normal(one));
      assert.deepEqual(Buffer.from(encode(again)), Buffer.from(value));
    }),
  );
}

/** Byte arrays of either class alike. */
function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? [...one] : one)),
  );
}

describe('mailbox rows', () => {
  it('account', () => {
    const row = fc.record({
      mailboxNext: u32,
      documentNext: u32,
      threadNext: u32,
      modseq: number,
      bytes: number,
      documents: number,
      deliveriesDay: u32,
      quotaBytes: number,
      quotaMessages: number,
      changesFloor: number,
    });
    survives(row, encodeAccount, decodeAccount);
    // A row from before messages were counted ends with the bytes: it has no such limit.
    assert.equal(decodeAccount(packRow([1, 1, 1, 1, 1, 1, 1, 9])).quotaMessages, 0);
  });

  it('mailbox', () => {
    const all = fc.record({
      name: fc.string({ unit: 'grapheme' }),
      parent: u32,
      role: fc.constantFrom(...roles),
      uidValidity: u32,
      uidNext: u32,
      messages: number,
      unseen: number,
      deleted: number,
      bytes: number,
      highestModseq: number,
      vanishedFloor: number,
      modseqFloor: number,
      keywords: fc.array(fc.string(), { maxLength: 5 }),
      recentUid: fc.integer({ min: 1, max: 0xffff_ffff }),
      recent: number,
    });
    // All are \Recent of a mailbox of which no session was told.
    const row = all.map((one) => (one.recentUid > 1 ? one : { ...one, recent: one.messages }));
    survives(row, encodeMailbox, decodeMailbox);
    const before = packRow(['INBOX', 0, 1, 7, 9, 8, 2, 0, 80, 5, 0, []]);
    const { modseqFloor, recentUid, recent } = decodeMailbox(before);
    assert.deepEqual([modseqFloor, recentUid, recent], [0, 1, 8]);
  });

  it('document, and where it is', () => {
    const row = fc.record({
      place,
      size: number,
      internalMs: number,
      thread: u32,
      hash: bytes,
      places: fc.array(fc.tuple(u32, u32), { maxLength: 4 }).map((all) => all.flat()),
    });
    survives(row, encodeDocument, decodeDocument);
    const [one] = fc.sample(row, 1);
    const placed = withPlace(withPlace({ ...one!, places: [] }, 1, 5), 2, 9);
    assert.equal(uidIn(placed, 2), 9);
    assert.equal(uidIn(placed, 3), 0);
    assert.deepEqual(withoutPlace(placed, 1, 5).places, [2, 9]);
    assert.deepEqual(withoutPlace(placed, 2, 5).places, [1, 5, 2, 9]);
  });

  it('thread and candidates', () => {
    const head = fc.record({ mailbox: u32, newestMs: number, messages: u32 });
    const row = fc.record({
      members: fc.array(u32),
      heads: fc.array(head, { maxLength: 4 }),
      hashes: bytes,
    });
    survives(row, encodeThread, decodeThread);
    survives(fc.array(u32), encodeCandidates, decodeCandidates);
  });

  it('change', () => {
    const change = fc.record({
      type: fc.constantFrom(...changeTypes),
      op: fc.constantFrom(...changeOps),
      ids: ranges,
    });
    survives(fc.array(change, { maxLength: 5 }), encodeChanges, decodeChanges);
  });

  it('parsed message, and the place of one that is too large', () => {
    const message = Buffer.from(
      'From: A <a@b.test>\r\nTo: c@d.test\r\nSubject: Re: x\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n' +
        'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n' +
        'Content-Type: image/png; name=x.png\r\n\r\nxx\r\n--b--\r\n',
    );
    const { messageId: _, inReplyTo: __, references: ___, ...parsed } = summarise(message);
    const row = decodeParsed(encodeParsed(parsed));
    assert.equal(row.kind, 'here');
    assert.deepEqual(normal((row as { parsed: Parsed }).parsed), normal(parsed));
    const [where] = fc.sample(place, 1);
    assert.deepEqual(decodeParsed(encodeParsedPlace(where!)), { kind: 'record', place: where });
  });
});
