/**
 * Aim: what is told of sections at hand is what is told of those that are read, in bounded windows, whatever is warm.
 * Method: the same FETCH on a fake shard whose bodies come at once, never, or by chance; octets compared.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { imapAsks, type PackedSection } from '../../../../../src/actors/asks/imap-asks.ts';
import { sectionsBytes } from '../../../../../src/engine/mailbox/imap/fetch-rows.ts';
import { atHandBytesMax } from '../../../../../src/engine/mailbox/imap/sections-at-hand.ts';
import { star } from '../../../../../src/mail/wire/imap/sequence-set.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner, section } from './imap-world.ts';

const encoded = Buffer.from(
  [
    'Subject: Parts',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'One\0.',
    '--b',
    'Content-Type: application/x-y',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('some \0 octets').toString('base64'),
    '--b--',
    '',
  ].join('\r\n'),
  'latin1',
);
/** Its parsed row stands in a record. */
const manyParts = Buffer.from(
  [
    'Subject: Many',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...Array.from({ length: 80 }, (_, i) => `--b\r\nContent-Type: text/x-${i}\r\n\r\nOne.`),
    '--b--',
    '',
  ].join('\r\n'),
);

const kinds = [
  () => messageBytes(),
  () => messageBytes({ text: 'A line of text.\r\n'.repeat(300) }),
  () => encoded,
  () => manyParts,
  () => messageBytes({ text: 'A line of text.\r\n'.repeat(5_000) }),
];

const sections: readonly PackedSection[] = [
  section('BODY[]'),
  section('BODY[]<3.50>', { offset: 3, length: 50 }),
  section('BODY[HEADER]', { text: 'HEADER' }),
  section('BODY[TEXT]', { text: 'TEXT' }),
  section('BODY[HEADER.FIELDS (SUBJECT)]', { text: 'HEADER.FIELDS', fields: ['SUBJECT'] }),
  section('BODY[1]', { part: '1' }),
  section('BODY[9]', { part: '9' }),
  section('BINARY[1]', { part: '1', text: 'BINARY' }),
  section('BINARY[2]', { part: '2', text: 'BINARY' }),
  section('BINARY.SIZE[2]', { part: '2', text: 'BINARY.SIZE' }),
];

const items = ['flags', 'uid', 'modseq', 'internalDate', 'size', 'envelope', 'emailId'] as const;

describe('sections at hand', () => {
  it('are told as those that are read, whatever is warm', async () => {
    const asked = fc.record({
      messages: fc.array(fc.nat(kinds.length - 1), { minLength: 1, maxLength: 12 }),
      wanted: fc.subarray([...sections], { minLength: 1, maxLength: 4 }),
      told: fc.subarray([...items]),
      isUid: fc.boolean(),
      warmth: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
    });
    await fc.assert(
      fc.asyncProperty(asked, async ({ messages, wanted, told, isUid, warmth }) => {
        const world = new ImapWorld();
        for (const kind of messages) await world.deliver(kinds[kind]!());
        const fetch = () => world.fetch([1, star], told, { sections: wanted, isUid });
        world.shard.isWarm = () => false;
        const read = await fetch();
        world.shard.isWarm = () => true;
        assert.equal((await fetch()).text, read.text);
        let turn = 0;
        world.shard.isWarm = () => warmth[turn++ % warmth.length]!;
        assert.equal((await fetch()).text, read.text);
        assert.equal(world.desk.leases.count, 0);
      }),
      { numRuns: 60 },
    );
  });

  it('are answered within the turn, and others when they are read', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const meta = [
      ...[owner, world.now(), true, [1, 1], 0, [section('BODY[]')], false, 0],
      ...[[0, 0, 0, 0], -1],
    ];
    // The view is there from now on.
    await world.ask(imapAsks.fetch, meta);
    const ask = () =>
      world.handlers[imapAsks.fetch]!(
        { name: imapAsks.fetch, meta: [account, tenant, meta] } as never,
        { isFull: false },
      );
    assert.ok('ok' in ask());
    world.shard.isWarm = () => false;
    assert.ok('pending' in ask());
  });

  it('become \\Seen before they are told', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 4; i++) await world.deliver();
    const seen = { op: 'add', flags: 1, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, { mailbox: 1, uids: [1, 2], ...seen });
    const text = section('X', { text: 'TEXT' });
    const asked = { sections: [text], marksSeen: true };
    const { text: told } = await world.fetch([1, star], [], asked);
    const line = (number: number, flags: string) =>
      `* ${number} FETCH (${flags}X {7}\r\nText.\r\n)\r\n`;
    const newly = 'FLAGS (\\Seen) ';
    assert.equal(told, line(1, '') + line(2, '') + line(3, newly) + line(4, newly));
    assert.equal(world.reader.mailbox(account, 1)!.unseen, 0);
  });

  it('end a window at its bytes, and small ones at 256 messages', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 600; i++) await world.deliver();
    const fields = { text: 'HEADER.FIELDS', fields: ['SUBJECT'] } as const;
    const small = await world.fetch([1, star], [], { sections: [section('X', fields)] });
    assert.equal(small.windows, 3);
    assert.equal(small.text.match(/FETCH/g)?.length, 600);
    const large = new ImapWorld();
    const text = 'x'.repeat(60_000);
    for (let i = 0; i < 10; i++) await large.deliver(messageBytes({ text }));
    const whole = await large.fetch([1, star], [], { sections: [section('BODY[]')] });
    assert.equal(whole.windows, Math.ceil(10 / Math.ceil(sectionsBytes / 60_000)));
  });

  it('are not those of a message with more than may be taken at once', async () => {
    const world = new ImapWorld();
    await world.deliver(messageBytes({ text: 'x'.repeat(atHandBytesMax / 2) }));
    let reads = 0;
    world.shard.isWarm = () => {
      reads++;
      return true;
    };
    const whole = section('BODY[]');
    await world.fetch([1, 1], [], { sections: [whole] });
    assert.equal(reads, 1);
    const before = reads;
    const { text } = await world.fetch([1, 1], [], {
      sections: [whole, section('BODY[TEXT]', { text: 'TEXT' })],
    });
    assert.equal(reads, before + 1, 'the second is not read at once');
    assert.equal(text.match(/x{1000}/g)?.length, 2 * Math.floor(atHandBytesMax / 2 / 1_000));
  });
});
