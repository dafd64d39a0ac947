/**
 * Aim: what a delivery and each primitive leaves in the index, and what repeats and failures do.
 * Method: the real mailboxes on a fake shard; each case reads back what readers of mail would.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccountId } from '../../../../src/base/ids.ts';
import { dayMs } from '../../../../src/base/units.ts';
import { deliveryDaysKept } from '../../../../src/engine/mailbox/delivery.ts';
import { placesMax } from '../../../../src/engine/mailbox/rows/document-row.ts';
import { parsedRowBytesMax } from '../../../../src/engine/mailbox/rows/parsed-row.ts';
import * as keys from '../../../../src/engine/store/keys.ts';
import {
  account,
  MailboxWorld,
  messageBytes,
  quotaOf,
  rebuilt,
  startMs,
  tableText,
  tenant,
} from './mailbox-world.ts';

const code = (wanted: string) => (error: unknown) =>
  (error as { code?: string }).code === wanted || assert.fail(`not ${wanted}: ${error}`);

function count(world: MailboxWorld, table: number, of: number = account): number {
  return world.shard.range(keys.accountRange(table, of)).length;
}

describe('local delivery', () => {
  // RFC 5321 §4.4: final delivery adds Return-Path.
  it('makes the account with its mailboxes, and puts the message into INBOX', async () => {
    const world = new MailboxWorld();
    const outcome = await world.deliver();
    assert.deepEqual(outcome, { ok: true, mailbox: 1, uid: 1, document: 1, isRepeat: false });
    const roles = world.reader.mailboxes(account).map(({ row }) => row.role);
    assert.deepEqual(roles, ['inbox', 'drafts', 'sent', 'junk', 'trash', 'archive']);
    const inbox = world.reader.mailbox(account, 1)!;
    assert.equal(inbox.name, 'INBOX');
    assert.deepEqual([inbox.messages, inbox.unseen, inbox.uidNext], [1, 1, 2]);
    assert.equal(inbox.uidValidity, startMs / 1_000);
    const document = world.reader.document(account, 1)!;
    const bytes = Buffer.from(await world.reader.bytes(document));
    const fields = 'Return-Path: <s@x.test>\r\nDelivered-To: u@a.test\r\n';
    assert.equal(bytes.toString(), fields + messageBytes().toString());
    assert.equal(document.size, bytes.length);
    assert.equal(document.internalMs, startMs);
  });

  it('writes every row of the design', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    for (const [name, table] of Object.entries(keys.tables)) {
      const unused = [
        'vanished',
        'blobLink',
        'subscription',
        'saved',
        'annotation',
        'kept',
        'acl',
        'seen',
        'script',
        'remembered',
        'rememberedTill',
        'quarantine',
        'lesson',
        'snoozed',
        'taught',
      ];
      if (unused.includes(name)) continue;
      assert.ok(count(world, table) > 0, name);
    }
    const links = world.shard.range({
      from: Buffer.of(keys.tables.blobLink),
      to: Buffer.of(keys.tables.blobLink + 1),
    });
    assert.equal(links.length, 1);
    const parsed = (await world.reader.parsed(account, 1))!;
    assert.match(Buffer.from(parsed.envelope).toString(), /^\("Thu, 1 Jan 2026.*<m@x\.test>"\)$/);
    assert.equal(parsed.preview, 'Text.');
    const bytes = await world.reader.bytes(world.reader.document(account, 1)!);
    const body = parsed.parts.find((part) => part.section === '1')!;
    const text = Buffer.from(bytes).subarray(body.bodyStart, body.bodyEnd).toString();
    assert.equal(text, 'Text.\r\n', 'places of parts count the fields on top');
  });

  it('decides all deliveries of one turn at once, each with its own numbers', async () => {
    const world = new MailboxWorld();
    const outcomes = await Promise.all([1, 2, 3].map(() => world.deliver()));
    assert.deepEqual(
      outcomes.map((one) => one.ok && one.uid),
      [1, 2, 3],
    );
    assert.deepEqual(
      world.reader.messages(account, 1, 1, 10).map((one) => one.document),
      [1, 2, 3],
    );
  });

  it('the same message for the same recipient changes nothing, before and after it is journaled', async () => {
    const world = new MailboxWorld();
    const id = world.ids.next();
    const [first, second] = await Promise.all([
      world.deliver(messageBytes(), { id }),
      world.deliver(messageBytes(), { id }),
    ]);
    const third = await world.deliver(messageBytes(), { id });
    assert.deepEqual(first, { ok: true, mailbox: 1, uid: 1, document: 1, isRepeat: false });
    assert.deepEqual(second, { ...first, isRepeat: true });
    assert.deepEqual(third, { ...first, isRepeat: true });
    assert.equal(world.reader.mailbox(account, 1)!.messages, 1);
    await world.deliver(messageBytes(), { id, recipient: 'u+tag@a.test' });
    assert.equal(
      world.reader.mailbox(account, 1)!.messages,
      2,
      'another recipient is another delivery',
    );
  });

  it('gives several recipients of one message a copy each, in one append', async () => {
    const world = new MailboxWorld();
    const targets = [
      { account, recipient: 'u@a.test' },
      { account: 2 as AccountId, recipient: 'v@a.test' },
      { account, recipient: 'u@a.test' },
    ];
    const delivery = { id: world.ids.next(), tenant, sender: '', receivedMs: startMs, targets };
    const outcomes = await world.mailboxes.deliver({ ...delivery, parts: [messageBytes()] });
    assert.deepEqual(
      outcomes.map((one) => one.ok && one.isRepeat),
      [false, false, true],
    );
    const bytes = await world.reader.bytes(world.reader.document(2, 1)!);
    assert.match(
      Buffer.from(bytes).toString(),
      /^Return-Path: <>\r\nDelivered-To: v@a\.test\r\nFrom:/,
    );
  });

  it('refuses what would go over the quota, and counts what is under way', async () => {
    const world = new MailboxWorld();
    const bytes = messageBytes();
    await world.mailboxes.putAccount(account, tenant, quotaOf(2 * (bytes.length + 60)));
    const outcomes = await Promise.all([1, 2, 3].map(() => world.deliver(bytes)));
    assert.deepEqual(
      outcomes.map((one) => (one.ok ? 'ok' : one.code)),
      ['ok', 'ok', 'account-over-quota'],
    );
    assert.equal(world.reader.account(account)!.documents, 2);
    await world.mailboxes.putAccount(account, tenant, quotaOf(0));
    assert.equal((await world.deliver(bytes)).ok, true);
  });

  it('refuses a message past the count of its quota, and counts what is under way', async () => {
    const world = new MailboxWorld();
    await world.mailboxes.putAccount(account, tenant, { bytes: 0, messages: 2 });
    const outcomes = await Promise.all([1, 2, 3].map(() => world.deliver()));
    assert.deepEqual(
      outcomes.map((one) => (one.ok ? 'ok' : one.code)),
      ['ok', 'ok', 'account-over-quota'],
    );
    assert.deepEqual(world.told, [[account, true]]);
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    assert.deepEqual(world.told.slice(1), [[account, false]]);
    assert.equal((await world.deliver()).ok, true);
  });

  it('tells once that an account is full, and once that it has room again', async () => {
    const world = new MailboxWorld();
    const text = 'x'.repeat(3_000);
    await world.mailboxes.putAccount(account, tenant, quotaOf(10_000));
    assert.deepEqual(world.told, []);
    for (let i = 0; i < 3; i++) await world.deliver(messageBytes({ text }));
    assert.deepEqual(world.told, [[account, true]]);
    await world.mailboxes.expunge(account, tenant, 1, [1, 2]);
    assert.deepEqual(world.told.slice(1), [[account, false]]);
    await world.deliver(messageBytes({ text: text.repeat(4) }));
    assert.equal(world.told.length, 2, 'one message too large does not make it full');
    await world.mailboxes.putAccount(account, tenant, quotaOf(1));
    await world.mailboxes.putAccount(account, tenant, quotaOf(0));
    assert.deepEqual(world.told.slice(2), [
      [account, true],
      [account, false],
    ]);
  });

  it('a lost append gives a failure, and the numbers it took are never used again', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    const id = world.ids.next();
    world.shard.faults.push('lost');
    const [failed, repeat, other] = await Promise.all([
      world.deliver(messageBytes(), { id }),
      world.deliver(messageBytes(), { id }),
      world.deliver(messageBytes()),
    ]);
    assert.equal(failed.ok === false && failed.code, 'store-failed');
    assert.equal(repeat.ok, false, 'a repeat of what failed fails with it');
    assert.equal(other.ok && other.uid, 3);
    assert.equal((await world.deliver(messageBytes(), { id })).ok, true);
    assert.deepEqual(
      world.reader.messages(account, 1, 1, 9).map((one) => one.uid),
      [1, 3, 4],
    );
  });

  it('a delivery after the failed append that made the account makes it itself', async () => {
    const world = new MailboxWorld();
    world.shard.faults.push('lost');
    const outcomes = await Promise.all([world.deliver(), world.deliver()]);
    assert.deepEqual(
      outcomes.map((one) => one.ok),
      [false, true],
    );
    assert.equal(world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('an append that failed and was written is a repeat when it comes again', async () => {
    const world = new MailboxWorld();
    const id = world.ids.next();
    world.shard.faults.push('written');
    assert.equal((await world.deliver(messageBytes(), { id })).ok, false);
    const again = await world.deliver(messageBytes(), { id });
    assert.deepEqual(again, { ok: true, mailbox: 1, uid: 1, document: 1, isRepeat: true });
  });

  it('forgets delivery ids once no spool can ask again', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    assert.equal(count(world, keys.tables.delivery), 1);
    world.nowMs += (deliveryDaysKept - 1) * dayMs;
    await world.deliver();
    assert.equal(count(world, keys.tables.delivery), 2);
    world.nowMs += 2 * dayMs;
    await world.deliver();
    assert.equal(count(world, keys.tables.delivery), 2);
  });

  it('keeps a large parsed message as a record, and lets both bodies go with it', async () => {
    const world = new MailboxWorld();
    const parts = Array.from(
      { length: 80 },
      (_, i) => `--b\r\nContent-Type: text/x-${i}\r\n\r\nx\r\n`,
    );
    const bytes = Buffer.from(
      `Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`,
    );
    await world.deliver(bytes);
    const row = world.shard.get(keys.parsedKey(account, 1))!;
    assert.ok(row.length < 100 && row.length < parsedRowBytesMax);
    assert.ok((await world.reader.parsed(account, 1))!.parts.length > 80);
    assert.equal(world.shard.livePlaces().length, 2);
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    assert.equal(world.shard.released.length, 2);
    assert.equal(world.shard.livePlaces().length, 0);
  });
});

// RFC 8621 §3: threads by message ids, split by subject.
describe('conversations', () => {
  it('join replies with the same base subject, whichever came first', async () => {
    const world = new MailboxWorld();
    await world.deliver(messageBytes({ id: 'b@x', subject: 'Re: Plan', replyTo: 'a@x' }));
    await world.deliver(messageBytes({ id: 'a@x', subject: 'Plan' }));
    await world.deliver(
      messageBytes({ id: 'c@x', subject: 'RE: [list] plan', references: ['a@x', 'b@x'] }),
    );
    await world.deliver(messageBytes({ id: 'd@x', subject: 'Other plan', replyTo: 'a@x' }));
    const threads = [1, 2, 3, 4].map((one) => world.reader.document(account, one)!.thread);
    assert.deepEqual(threads, [1, 1, 1, 2]);
  });

  it('join messages of one turn, before any is journaled', async () => {
    const world = new MailboxWorld();
    await Promise.all([
      world.deliver(messageBytes({ id: 'a@x' })),
      world.deliver(messageBytes({ id: 'b@x', replyTo: 'a@x' })),
    ]);
    assert.equal(world.reader.document(account, 2)!.thread, 1);
  });

  it('stay apart for messages without ids, and end with their last message', async () => {
    const world = new MailboxWorld();
    const plain = Buffer.from('Subject: Subject\r\n\r\nx\r\n');
    await world.deliver(plain);
    await world.deliver(plain);
    await world.deliver(messageBytes({ id: 'a@x', references: ['p@x', 'q@x'] }));
    assert.equal(count(world, keys.tables.thread), 3);
    assert.equal(count(world, keys.tables.messageId), 3);
    await world.mailboxes.expunge(account, tenant, 1, [1, 3]);
    assert.equal(count(world, keys.tables.thread), 0);
    assert.equal(count(world, keys.tables.messageId), 0);
    assert.equal(count(world, keys.tables.byThreadDate), 0);
    assert.equal(count(world, keys.tables.byDate), 0);
  });
});

describe('mailbox primitives', () => {
  async function withThree() {
    const world = new MailboxWorld();
    for (const id of ['a@x', 'b@x', 'c@x']) {
      world.nowMs += 1_000;
      await world.deliver(messageBytes({ id, text: id }));
    }
    return world;
  }

  it('store flags and keywords in one record, and say which UIDs there were', async () => {
    const world = await withThree();
    const { mailboxes, reader } = world;
    const before = world.shard.records.length;
    const store = { mailbox: 1, uids: [2, 100], flags: 1, keywords: ['$Important'] };
    assert.deepEqual(await mailboxes.storeFlags(account, tenant, { ...store, op: 'add' }), [2, 3]);
    assert.equal(world.shard.records.length, before + 1);
    const flags = () => reader.messages(account, 1, 1, 9).map((one) => one.flags.join(' '));
    assert.deepEqual(flags(), ['', '\\Seen $Important', '\\Seen $Important']);
    assert.equal(reader.mailbox(account, 1)!.unseen, 1);
    await mailboxes.storeFlags(account, tenant, {
      mailbox: 1,
      uids: [3, 3],
      op: 'replace',
      flags: 8,
      keywords: [],
    });
    assert.deepEqual(flags(), ['', '\\Seen $Important', '\\Deleted']);
    assert.equal(reader.mailbox(account, 1)!.deleted, 1);
    await mailboxes.storeFlags(account, tenant, {
      mailbox: 1,
      uids: [2, 2],
      op: 'remove',
      flags: 1,
      keywords: ['$Important', '$Unknown'],
    });
    assert.deepEqual(flags(), ['', '', '\\Deleted']);
    assert.deepEqual(reader.mailbox(account, 1)!.keywords, ['$Important']);
  });

  it('a STORE over a whole block writes as many rows as one over a message', async () => {
    const world = new MailboxWorld();
    await Promise.all(Array.from({ length: 127 }, () => world.deliver(Buffer.from('\r\nx\r\n'))));
    const rows = () => world.shard.index.entries().length;
    const before = rows();
    const all = { mailbox: 1, uids: [1, 127], op: 'add' as const, flags: 1, keywords: [] };
    await world.mailboxes.storeFlags(account, tenant, all);
    assert.equal(rows() - before, 2, 'a change row and a by-modseq row');
    assert.equal(world.reader.mailbox(account, 1)!.unseen, 0);
  });

  it('copy with flags into new UIDs, the document shared', async () => {
    const world = await withThree();
    const { mailboxes, reader } = world;
    await mailboxes.storeFlags(account, tenant, {
      mailbox: 1,
      uids: [1, 1],
      op: 'add',
      flags: 5,
      keywords: ['k'],
    });
    const answer = await mailboxes.copy(account, tenant, { mailbox: 1, uids: [1, 2] }, 6, false);
    assert.deepEqual(answer, { sources: [1, 2], targets: [1, 2] });
    const copies = reader.messages(account, 6, 1, 9);
    assert.deepEqual(
      copies.map((one) => one.document),
      [1, 2],
    );
    assert.deepEqual(copies[0]!.flags, ['\\Seen', '\\Flagged', 'k']);
    assert.equal(reader.account(account)!.documents, 3);
    assert.equal(reader.mailbox(account, 1)!.messages, 3);
    await mailboxes.expunge(account, tenant, 1, [1, 1]);
    assert.equal(world.shard.released.length, 0, 'the copy keeps the body');
    await mailboxes.expunge(account, tenant, 6, [1, 1]);
    assert.equal(world.shard.released.length, 1);
  });

  it('move, leaving vanished UIDs behind', async () => {
    const world = await withThree();
    const { mailboxes, reader } = world;
    const answer = await mailboxes.copy(account, tenant, { mailbox: 1, uids: [2, 3] }, 5, true);
    assert.deepEqual(answer, { sources: [2, 3], targets: [1, 2] });
    assert.deepEqual(
      reader.messages(account, 1, 1, 9).map((one) => one.uid),
      [1],
    );
    assert.deepEqual(
      reader.messages(account, 5, 1, 9).map((one) => one.document),
      [2, 3],
    );
    assert.equal(count(world, keys.tables.vanished), 1);
    assert.equal(world.shard.released.length, 0);
    const { changes } = reader.changes(account, 0, 99).at(-1)!;
    assert.deepEqual(changes, [
      { type: 'email', op: 'updated', ids: [2, 3] },
      { type: 'mailbox', op: 'updated', ids: [1, 1, 5, 5] },
      { type: 'thread', op: 'updated', ids: [2, 3] },
    ]);
  });

  it('list the newest first by date, whatever was moved', async () => {
    const world = await withThree();
    await world.mailboxes.copy(account, tenant, { mailbox: 1, uids: [1, 3] }, 6, true);
    const rows = world.shard.range(keys.mailboxRange(keys.tables.byDate, account, 6));
    assert.deepEqual(
      rows.map(({ key }) => keys.lastU32(key)),
      [3, 2, 1],
    );
    assert.deepEqual(
      rows.map(({ key }) => keys.dateMsOf(key) - startMs),
      [3_000, 2_000, 1_000],
    );
    assert.deepEqual(
      rows.map(({ value }) => Buffer.from(value).readUInt32BE()),
      [3, 2, 1],
    );
  });

  it('create mailboxes, and refuse names that are taken or cannot be', async () => {
    const world = await withThree();
    const make = (name: string, parent = 0) =>
      world.mailboxes.createMailbox(account, tenant, { name, parent, role: '' });
    assert.equal(await make('Work'), 7);
    assert.equal(await make('Work', 7), 8);
    await assert.rejects(make('Work'), code('already-exists'));
    await assert.rejects(make('x', 99), code('not-found'));
    await assert.rejects(make(''), code('argument-invalid'));
    await assert.rejects(make('a\r\nb'), code('argument-invalid'));
    const outcome = await world.mailboxes.copy(
      account,
      tenant,
      { mailbox: 1, uids: [1, 3] },
      7,
      false,
    );
    assert.deepEqual(outcome.targets, [1, 3]);
  });

  it('refuse keywords that are no atoms, and copies without end', async () => {
    const world = await withThree();
    const store = { mailbox: 1, uids: [1, 1], op: 'add' as const, flags: 0 };
    for (const keyword of ['', 'a b', 'a\\b', 'x'.repeat(65), 'é', '(a)']) {
      const wrong = world.mailboxes.storeFlags(account, tenant, { ...store, keywords: [keyword] });
      await assert.rejects(wrong, code('argument-invalid'), keyword);
    }
    const one = { mailbox: 1, uids: [1, 1] };
    const copy = () => world.mailboxes.copy(account, tenant, one, 6, false);
    for (let i = 1; i < placesMax; i++) await copy();
    await assert.rejects(copy(), code('not-possible-now'));
    assert.equal(world.reader.mailbox(account, 6)!.messages, placesMax - 1);
  });

  it('refuse mailboxes that are not there', async () => {
    const world = await withThree();
    const gone = { mailbox: 99, uids: [1, 2] };
    const store = { ...gone, op: 'add' as const, flags: 1, keywords: [] };
    await assert.rejects(world.mailboxes.storeFlags(account, tenant, store), code('not-found'));
    await assert.rejects(world.mailboxes.expunge(account, tenant, 99, [1, 2]), code('not-found'));
    await assert.rejects(world.mailboxes.copy(account, tenant, gone, 1, true), code('not-found'));
    const from = { mailbox: 1, uids: [1, 1] };
    await assert.rejects(world.mailboxes.copy(account, tenant, from, 99, true), code('not-found'));
  });

  it('delete an account with all its rows and bodies, for good', async () => {
    const world = await withThree();
    await world.deliver(messageBytes(), { to: 2 as AccountId });
    await world.mailboxes.deleteAccount(account, tenant);
    const left = world.shard.index.entries().filter(({ key }) => keys.firstU32(key) === account);
    assert.equal(left.length, 1, 'the row that says so');
    assert.equal(world.shard.livePlaces().length, 1);
    assert.equal(world.shard.released.length, 3);
    assert.equal(world.reader.account(account), undefined);
    const outcome = await world.deliver();
    assert.equal(outcome.ok === false && outcome.code, 'account-missing');
    await assert.rejects(
      world.mailboxes.putAccount(account, tenant, quotaOf(0)),
      code('account-missing'),
    );
    const again = rebuilt(world.shard, (shard) =>
      shard.records.forEach((one) => {
        shard.apply(one);
      }),
    );
    assert.deepEqual(tableText(again), tableText(world.shard));
  });
});
