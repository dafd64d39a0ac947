/**
 * Aim: what rows answer is told the same, message by message, whatever stands where and however a window ends.
 * Method: mailboxes of odd rows on a fake shard whose peeked bytes are written over; answers against the rows decoded.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fetchItems } from '../../../../../src/actors/asks/imap-asks.ts';
import { windowBytes } from '../../../../../src/engine/mailbox/imap/fetch-rows.ts';
import {
  documentFacts,
  encodeDocument,
} from '../../../../../src/engine/mailbox/rows/document-row.ts';
import {
  holdsAnswers,
  openAnswers,
  previewOf,
} from '../../../../../src/engine/mailbox/rows/parsed-row.ts';
import { RowCursor } from '../../../../../src/engine/mailbox/rows/row-cursor.ts';
import { parsedKey } from '../../../../../src/engine/store/keys.ts';
import { star } from '../../../../../src/mail/wire/imap/sequence-set.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

/** Its parsed row is too large for the index, and stands in a record. */
const manyParts = Buffer.from(
  [
    'From: s@x.test',
    'Subject: Parts',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...Array.from({ length: 80 }, (_, i) => [
      '--b',
      `Content-Type: text/x-${i}`,
      '',
      'One.',
    ]).flat(),
    '--b--',
    '',
  ].join('\r\n'),
);

async function told(world: ImapWorld, document: number): Promise<string> {
  const parsed = (await world.reader.parsed(account, document))!;
  const row = world.reader.document(account, document)!;
  const text = (octets: Uint8Array) => Buffer.from(octets).toString('latin1');
  return `RFC822.SIZE ${row.size} ENVELOPE ${text(parsed.envelope)} BODYSTRUCTURE ${text(
    parsed.bodyStructure,
  )} PREVIEW "Text." EMAILID (M${document}) THREADID (T${row.thread})`;
}

describe('FETCH of rows', () => {
  it('tells what stands in rows and what stands in records, in order', async () => {
    const world = new ImapWorld();
    for (const large of [0, 1, 1, 0, 0, 1]) {
      await world.deliver(large === 1 ? manyParts : messageBytes({}));
    }
    const items = ['size', 'envelope', 'bodyStructure', 'emailId', 'threadId'] as const;
    const { text } = await world.fetch([1, star], items);
    let expected = '';
    for (let document = 1; document <= 6; document++) {
      const all = (await told(world, document)).replace(' PREVIEW "Text."', '');
      expected += `* ${document} FETCH (${all})\r\n`;
    }
    assert.equal(text, expected);
  });

  it('tells all items of a message in their order', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const all = Object.keys(fetchItems).filter(
      (item) => !['body', 'saveDate', 'byUid'].includes(item),
    ) as 'uid'[];
    const { text } = await world.fetch([1, 1], all);
    const modseq = world.now()[1];
    const expected = (await told(world, 1)).replace(
      'RFC822.SIZE',
      `UID 1 FLAGS () MODSEQ (${modseq}) INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE`,
    );
    assert.equal(text, `* 1 FETCH (${expected})\r\n`);
  });

  it('tells flags alone as it tells them with others, with keywords and without', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 300; i++) await world.deliver();
    const store = (uids: number[], flags: number, keywords: string[]) =>
      world.mailboxes.storeFlags(account, tenant, { mailbox: 1, uids, op: 'add', flags, keywords });
    await store([3, 3], 1, []);
    await store([5, 9], 6, []);
    await store([260, 260], 8, ['$Own']);
    const { text: whole } = await world.fetch([1, star], ['uid', 'flags', 'size']);
    const { text: both } = await world.fetch([1, star], ['uid', 'flags']);
    const { text: alone } = await world.fetch([1, star], ['flags']);
    assert.equal(both, whole.replace(/ RFC822\.SIZE \d+/g, ''));
    assert.equal(alone, both.replace(/UID \d+ /g, ''));
    assert.match(alone, /\* 260 FETCH \(FLAGS \(\\Deleted \$Own\)\)\r\n/);
    assert.match(alone, /\* 1 FETCH \(FLAGS \(\)\)\r\n/);
  });

  it('ends a window at its bytes, and the next one goes on with the next message', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 900; i++) await world.deliver();
    await world.mailboxes.expunge(account, tenant, 1, [100, 300]);
    const { text, windows } = await world.fetch([1, star], ['uid', 'envelope', 'bodyStructure']);
    assert.ok(windows >= Math.floor(text.length / (windowBytes + 1_000)), `${windows} windows`);
    assert.ok(windows > 1);
    const numbers = [...text.matchAll(/\* (\d+) FETCH \(UID (\d+)/g)];
    const uids = numbers.map((found) => Number(found[2]));
    assert.deepEqual(
      numbers.map((found) => Number(found[1])),
      uids.map((_, i) => i + 1),
    );
    assert.equal(uids.length, 699);
    assert.equal(uids[99], 301);
  });
});

describe('answers of a message', () => {
  it('are read where they stand, and only where the row itself holds them', async () => {
    const world = new ImapWorld();
    await world.deliver();
    await world.deliver(manyParts);
    const cursor = new RowCursor();
    const [here, elsewhere] = [1, 2].map((one) => world.shard.get(parsedKey(account, one))!);
    assert.ok(holdsAnswers(here!, cursor));
    assert.ok(!holdsAnswers(elsewhere!, cursor));
    const parsed = (await world.reader.parsed(account, 1))!;
    openAnswers(here!, cursor);
    const read = [cursor.bytes(), cursor.bytes(), cursor.bytes()].map((octets) => [...octets]);
    const answers = [parsed.envelope, parsed.bodyStructure, parsed.body];
    assert.deepEqual(
      read,
      answers.map((octets) => [...octets]),
    );
    openAnswers(here!, cursor);
    assert.deepEqual([...cursor.skip().bytes()], [...parsed.bodyStructure]);
    assert.equal(previewOf(here!), 'Text.');
  });
});

describe('facts of a document', () => {
  it('are read where they stand, however they were packed', () => {
    const cursor = new RowCursor();
    const small = { sequence: 1, segment: 2, offset: 3, bytes: 4, bodyOffset: 5, bodyBytes: 6 };
    const large = { ...small, sequence: 2 ** 40, offset: 70_000, bytes: 300, bodyBytes: 2 ** 31 };
    for (const place of [small, large]) {
      for (const size of [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1]) {
        for (const internalMs of [0, 1_700_000_000_123, -5_000]) {
          const facts = { size, internalMs, thread: size };
          const row = encodeDocument({ place, ...facts, hash: new Uint8Array(32), places: [1, 1] });
          const { size: s, internalMs: i, thread: t } = documentFacts(row, cursor);
          assert.deepEqual({ size: s, internalMs: i, thread: t }, facts);
        }
      }
    }
  });
});
