/**
 * Aim: threads are the same whether rows know the ids, or headers must be read for them.
 * Method: a mailbox with folded, quoted, missing and very long lists of ids; the same again with rows as they once
 *      were.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImapDesk } from '../../../../../src/engine/mailbox/imap/desk.ts';
import { thread } from '../../../../../src/engine/mailbox/imap/thread.ts';
import { packRow, unpackRow } from '../../../../../src/engine/mailbox/rows/packing.ts';
import { decodeParsed } from '../../../../../src/engine/mailbox/rows/parsed-row.ts';
import { parsedKey } from '../../../../../src/engine/store/keys.ts';
import { account } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

const fieldsOfOldRow = 14;

const many = Array.from({ length: 70 }, (_, i) => `<old${i}@x>`).join('\r\n ');
const heads = [
  'Message-ID: <a@x>\r\nSubject: one',
  'Message-ID: <b@x>\r\nIn-Reply-To: <a@x>\r\nSubject: two',
  'Message-ID: <"c"@x>\r\nReferences: <a@x>\r\n\t<b@x>\r\nSubject: three',
  `Message-ID: <d@x>\r\nReferences: ${many} <b@x>\r\nSubject: four`,
  'References: <c@x>\r\nSubject: five',
  'Subject: alone',
  'Message-ID: <e@x>\r\nMessage-ID: <a@x>\r\nReferences:\r\nIn-Reply-To: <d@x> <a@x>\r\nSubject: six',
];

async function threads(world: ImapWorld): Promise<string> {
  const desk = new ImapDesk(world.shard, world.mailboxes, world.clock);
  const packed = [account, world.now(), false, { op: 'all' }, [], 'REFERENCES'] as const;
  return Buffer.from(await thread(desk, packed, 0))
    .toString()
    .trim();
}

describe('what threads are made of', () => {
  it('is the same from rows and from headers', async () => {
    const world = new ImapWorld();
    const documents: number[] = [];
    for (const head of heads) {
      const outcome = await world.deliver(Buffer.from(`${head}\r\n\r\nText.\r\n`));
      assert.ok(outcome.ok);
      documents.push(outcome.document);
    }
    const wanted = await threads(world);
    assert.equal(wanted, '* THREAD (1 2 (3 5)(4 7))(6)');
    const known = documents.map((document) => {
      const row = decodeParsed(world.shard.get(parsedKey(account, document))!);
      return row.kind === 'here' && row.parsed.threadHashes !== undefined;
    });
    assert.deepEqual(known, [true, true, true, false, true, true, true]);
    for (const document of documents.slice(0, 3)) {
      const key = parsedKey(account, document);
      const row = unpackRow<unknown[]>(world.shard.get(key)!);
      await world.shard.index.commit([{ put: key, value: packRow(row.slice(0, fieldsOfOldRow)) }]);
    }
    assert.equal(await threads(world), wanted);
  });
});
