/**
 * Aim: FETCH answers what was asked for, in windows, and a literal once begun is always ended.
 * Method: the handlers on a fake shard; the windows' octets joined and compared with the message's own.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Fetched,
  fetchItems,
  imapAsks,
  type PackedFetch,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { windowBytes } from '../../../../../src/engine/mailbox/imap/fetch-rows.ts';
import { leaseMsMax } from '../../../../../src/engine/mailbox/imap/leases.ts';
import { star } from '../../../../../src/mail/wire/imap/sequence-set.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner, section } from './imap-world.ts';

const multipart = Buffer.from(
  [
    'From: s@x.test',
    'Subject: Parts',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'One.',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: Inner',
    '',
    'Deep.',
    '--b--',
    '',
  ].join('\r\n'),
);

async function stored(world: ImapWorld, document = 1): Promise<Buffer> {
  return Buffer.from(await world.reader.bytes(world.reader.document(account, document)!));
}

describe('FETCH of rows', () => {
  it('tells flags, UIDs, dates and sizes by sequence number', async () => {
    const world = new ImapWorld();
    await world.deliver();
    await world.deliver();
    const flags = { op: 'add', flags: 1, keywords: ['$Junk'] } as const;
    await world.mailboxes.storeFlags(account, tenant, { mailbox: 1, uids: [2, 2], ...flags });
    const size = world.reader.document(account, 1)!.size;
    const { text } = await world.fetch([1, star], ['flags', 'uid', 'internalDate', 'size']);
    const rest = `INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE ${size})\r\n`;
    assert.equal(
      text,
      `* 1 FETCH (UID 1 FLAGS () ${rest}* 2 FETCH (UID 2 FLAGS (\\Seen $Junk) ${rest}`,
    );
  });

  it('sends ENVELOPE, BODY and BODYSTRUCTURE as they were stored', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const parsed = (await world.reader.parsed(account, 1))!;
    const { text } = await world.fetch([1, 1], ['envelope', 'body', 'bodyStructure'], {
      isUid: false,
    });
    const [envelope, body, structure] = [parsed.envelope, parsed.body, parsed.bodyStructure].map(
      (octets) => Buffer.from(octets).toString('latin1'),
    );
    assert.equal(
      text,
      `* 1 FETCH (ENVELOPE ${envelope} BODYSTRUCTURE ${structure} BODY ${body})\r\n`,
    );
  });

  it('goes on window by window until all is told, each message once', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 600; i++) await world.deliver();
    const sections = [section('BODY[TEXT]', { text: 'TEXT' })];
    const { text, windows } = await world.fetch([1, star], ['uid'], { sections });
    assert.ok(windows > 2, `${windows} windows`);
    const uids = [...text.matchAll(/\* (\d+) FETCH \(UID (\d+)/g)].map((found) => found[2]);
    assert.deepEqual(
      uids,
      Array.from({ length: 600 }, (_, i) => String(i + 1)),
    );
  });

  it('tells which UIDs of a long set are left, so that the next window is asked for by them', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 600; i++) await world.deliver();
    await world.mailboxes.expunge(account, tenant, 1, [1, 100]);
    const view = world.now();
    const set = Array.from({ length: 400 }, (_, i) => 400 - i).flatMap((one) => [one, one]);
    const sections = [section('X', { text: 'TEXT' })];
    const meta = (cursor: PackedFetch[8], named: readonly [boolean, readonly number[]]) =>
      [owner, view, ...named, 0, sections, false, view[1], cursor, -1] as const;
    type Answered = { next?: PackedFetch[8]; rest?: number[] };
    const first = await world.value<Answered>(imapAsks.fetch, meta([0, 0, 0, 0], [false, set]));
    assert.deepEqual(first.value.next, [357, 0, 0, 0]);
    assert.deepEqual(first.value.rest, [357, 500]);
    const named = [true, first.value.rest!] as const;
    const second = await world.value<Answered>(imapAsks.fetch, meta([357, 0, 0, 0], named));
    assert.deepEqual(second.value, { flagModseq: view[1] });
    const numbers = (first.text + second.text).match(/(?<=\* )\d+/g)!.map(Number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 400 }, (_, i) => i + 1),
    );
  });

  it('refuses a sequence number the session has not, and takes a UID it has not for nothing', async () => {
    const world = new ImapWorld();
    await world.deliver();
    await assert.rejects(world.fetch([2, 2], ['uid'], { isUid: false }), /argument-invalid/);
    assert.equal((await world.fetch([2, 9], ['uid'])).text, '');
  });

  it('numbers as the session does that was not told of an expunge', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 3; i++) await world.deliver();
    const view = world.now();
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    const before = await world.fetch([1, star], ['uid'], { view, isUid: false });
    assert.equal(before.text, '* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\n');
    const after = await world.fetch([1, star], ['uid'], { isUid: false });
    assert.equal(after.text, '* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 3)\r\n');
  });
});

describe('FETCH of sections', () => {
  it('sends the message, its header, its text and chosen fields', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const whole = (await stored(world)).toString('latin1');
    const headerEnd = whole.indexOf('\r\n\r\n') + 4;
    const sections = [
      section('BODY[]'),
      section('BODY[HEADER]', { text: 'HEADER' }),
      section('BODY[TEXT]', { text: 'TEXT' }),
      section('BODY[HEADER.FIELDS (TO SUBJECT)]', {
        text: 'HEADER.FIELDS',
        fields: ['TO', 'SUBJECT'],
      }),
    ];
    const { text } = await world.fetch([1, 1], [], { sections });
    const fields = 'To: User <u@a.test>\r\nSubject: Subject\r\n\r\n';
    const [header, body] = [whole.slice(0, headerEnd), whole.slice(headerEnd)];
    assert.equal(
      text,
      `* 1 FETCH (BODY[] {${whole.length}}\r\n${whole} BODY[HEADER] {${header.length}}\r\n${header}` +
        ` BODY[TEXT] {${body.length}}\r\n${body} BODY[HEADER.FIELDS (TO SUBJECT)] ` +
        `{${fields.length}}\r\n${fields})\r\n`,
    );
  });

  it('finds parts, their MIME headers, and the header and text of an enclosed message', async () => {
    const world = new ImapWorld();
    await world.deliver(multipart);
    const of = async (part: string, kind: 'HEADER' | 'TEXT' | 'MIME' | '') => {
      const { text } = await world.fetch([1, 1], [], {
        sections: [section('X', { part, text: kind })],
      });
      return text.replace(/^\* 1 FETCH \(X (\{\d+\}\r\n)?/, '').replace(/\)\r\n$/, '');
    };
    assert.equal(await of('1', ''), 'One.');
    assert.equal(await of('1', 'MIME'), 'Content-Type: text/plain\r\n\r\n');
    assert.equal(await of('2', 'HEADER'), 'Subject: Inner\r\n\r\n');
    assert.equal(await of('2', 'TEXT'), 'Deep.');
    assert.equal(await of('2.1', ''), 'Deep.');
    assert.equal(await of('3', ''), 'NIL');
    assert.equal(await of('1', 'HEADER'), 'NIL');
  });

  it('cuts a partial out, and answers an empty one past the end', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const whole = (await stored(world)).toString('latin1');
    const cut = async (offset: number, length: number) =>
      (await world.fetch([1, 1], [], { sections: [section('B', { offset, length })] })).text;
    assert.equal(await cut(3, 5), `* 1 FETCH (B {5}\r\n${whole.slice(3, 8)})\r\n`);
    assert.equal(await cut(whole.length + 1, 5), '* 1 FETCH (B {0}\r\n)\r\n');
  });

  it('shows 0x80 where a message has a NUL, which no literal may hold', async () => {
    const world = new ImapWorld();
    await world.deliver(Buffer.from('Subject: x\r\n\r\na\0b\r\n', 'latin1'));
    const sections = [section('BODY[TEXT]', { text: 'TEXT' })];
    const { text } = await world.fetch([1, 1], [], { sections });
    assert.equal(text, '* 1 FETCH (BODY[TEXT] {5}\r\na\x80b\r\n)\r\n');
  });

  it('sets \\Seen once and tells the flags with it', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const sections = [section('BODY[TEXT]', { text: 'TEXT' })];
    const first = await world.fetch([1, 1], [], { sections, marksSeen: true });
    assert.equal(first.text, '* 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {7}\r\nText.\r\n)\r\n');
    assert.equal(world.reader.mailbox(account, 1)!.unseen, 0);
    assert.equal(first.value.flagModseq, world.now()[1], 'its own change need not be told again');
    const again = await world.fetch([1, 1], [], { sections, marksSeen: true });
    assert.equal(again.text, '* 1 FETCH (BODY[TEXT] {7}\r\nText.\r\n)\r\n');
  });
});

describe('FETCH of a large message', () => {
  const large = () => messageBytes({ text: 'A line of text.\r\n'.repeat(50_000) });

  it('is cut into answers of bounded size, and whole in the end', async () => {
    const world = new ImapWorld();
    await world.deliver(large());
    await world.deliver();
    const whole = (await stored(world)).toString('latin1');
    const sections = [section('BODY[]'), section('BODY[HEADER]', { text: 'HEADER' })];
    const { text, windows } = await world.fetch([1, 2], ['uid'], { sections });
    assert.ok(windows >= whole.length / windowBytes, `${windows} windows`);
    assert.ok(
      text.startsWith(`* 1 FETCH (UID 1 BODY[] {${whole.length}}\r\n${whole} BODY[HEADER]`),
    );
    assert.match(text, /\r\n\* 2 FETCH \(UID 2 BODY\[\] \{\d+\}\r\n/);
    assert.equal(world.desk.leases.count, 0, 'no lease is left');
  });

  it('is cut only where no other message of its window has become \\Seen untold', async () => {
    const world = new ImapWorld();
    for (const lines of [3_200, 4_400, 4_300, 10]) {
      await world.deliver(messageBytes({ text: 'A line of text.\r\n'.repeat(lines) }));
    }
    const label = `BODY[HEADER.FIELDS (${'X'.repeat(3_000)})]`;
    const fields = { text: 'HEADER.FIELDS', fields: ['X'.repeat(3_000)] } as const;
    const sections = [section(label, fields), section('BODY[]')];
    const { text } = await world.fetch([1, 4], [], { sections, marksSeen: true });
    assert.equal(text.match(/FLAGS \(\\Seen\)/g)?.length, 4);
  });

  it('is read to its end though it is expunged on the way', async () => {
    const world = new ImapWorld();
    await world.deliver(large());
    const whole = (await stored(world)).toString('latin1');
    const view = world.now();
    const sections = [section('BODY[]')];
    const meta = (cursor: PackedFetch[8]): PackedFetch => [
      ...([owner, view, true, [1, 1], 0, sections, false, 0] as const),
      cursor,
      -1,
    ];
    type Answered = { next?: PackedFetch[8] };
    let { value, text } = await world.value<Answered>(imapAsks.fetch, meta([0, 0, 0, 0]));
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    while (value.next !== undefined) {
      const answer = await world.value<Answered>(imapAsks.fetch, meta(value.next));
      value = answer.value;
      text += answer.text;
    }
    assert.equal(text, `* 1 FETCH (BODY[] {${whole.length}}\r\n${whole})\r\n`);
  });

  it('is given up by whoever does not come back in time', async () => {
    const world = new ImapWorld();
    await world.deliver(large());
    const ask = (cursor: PackedFetch[8]) => {
      const sections = [section('BODY[]')];
      const meta = [owner, world.now(), true, [1, 1], 0, sections, false, 0, cursor, -1];
      return world.ask(imapAsks.fetch, meta);
    };
    const first = await ask([0, 0, 0, 0]);
    assert.ok(first.ok);
    const { next } = first.value as { next: PackedFetch[8] };
    world.nowMs += leaseMsMax + 1;
    await ask([0, 0, 0, 0]);
    const late = await ask(next);
    assert.equal(late.ok === false && late.code, 'not-possible-now');
    assert.equal(world.desk.leases.count, 1, 'that of the second reader');
  });
});

describe('FETCH while a keyword is given', () => {
  const name = async (world: ImapWorld, uid: number) => {
    const step = { mailbox: 1, uids: [uid, uid], op: 'add', flags: 0, keywords: ['New'] } as const;
    await world.mailboxes.storeFlags(account, tenant, step);
  };

  it('goes on with the message in another window, which knows the name', async () => {
    const world = new ImapWorld();
    const many = Array.from({ length: 100 }, (_, i) => `user-number-${i}@a.test`).join(', ');
    await world.deliver(messageBytes({ subject: `x\r\nCc: ${many}` }));
    for (let i = 0; i < 130; i++) await world.deliver();
    const { shard } = world;
    const read = shard.read.bind(shard);
    let isGiven = false;
    // The first message's answers stand in the journal.
    shard.read = async (...where) => {
      if (!isGiven) await name(world, 130);
      isGiven = true;
      return await read(...where);
    };
    const sections = [section('BODY[1]', { part: '1' })];
    const { text } = await world.fetch([1, 1, 130, 130], ['flags'], { sections });
    assert.ok(isGiven);
    assert.match(text, /^\* 1 FETCH \(FLAGS \(\) [\s\S]*\* 130 FETCH \(FLAGS \(New\) /);
  });

  it('ends an answer that began within a literal before the message that has it', async () => {
    const world = new ImapWorld();
    await world.deliver(messageBytes({ text: 'A line of text.\r\n'.repeat(12_000) }));
    await world.deliver();
    const view = world.now();
    const ask = (cursor: PackedFetch[8]) => {
      const how = [false, view[1], cursor, -1, [], 0] as const;
      const meta = [owner, view, true, [1, 2], fetchItems.flags, [section('BODY[]')], ...how];
      return world.value<Fetched>(imapAsks.fetch, meta);
    };
    const first = await ask([0, 0, 0, 0]);
    await name(world, 2);
    const second = await ask(first.value.next!);
    assert.match(second.text, /\)\r\n$/);
    assert.doesNotMatch(second.text, /FETCH/);
    assert.deepEqual(second.value.next, [2, 0, 0, 0]);
    const third = await ask(second.value.next!);
    assert.deepEqual(third.value.keywords, ['New']);
    assert.match(third.text, /^\* 2 FETCH \(FLAGS \(New\) /);
  });
});

describe('FETCH of a decoded part', () => {
  it('is cut into windows as any other, decoded once, and whole in the end', async () => {
    const world = new ImapWorld();
    const octets = Buffer.alloc(700_000, 'binary \0 octets ');
    const header = 'Content-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n';
    const lines = octets.toString('base64').replace(/.{76}/g, '$&\r\n');
    await world.deliver(Buffer.from(`${header}${lines}\r\n`));
    const sections = [
      section('BINARY[1]', { part: '1', text: 'BINARY' }),
      section('BODY[HEADER]', { text: 'HEADER' }),
      section('BINARY.SIZE[1]', { part: '1', text: 'BINARY.SIZE' }),
    ];
    const { text, windows } = await world.fetch([1, 1], [], { sections });
    assert.ok(windows > 2, `${windows} windows`);
    const start = `* 1 FETCH (BINARY[1] ~{${octets.length}}\r\n${octets.toString('latin1')} BODY[HEADER]`;
    assert.ok(text.startsWith(start));
    assert.match(text, / BINARY\.SIZE\[1\] 700000\)\r\n$/);
    assert.equal(world.desk.leases.count, 0, 'no lease is left');
  });
});
