/**
 * Aim: mailboxes made, renamed and deleted, subscriptions and appends are records: replayed they give the same tables,
 *      done twice they change nothing, and what is deleted leaves nothing behind.
 * Method: the real mailboxes on a fake shard; tables of a second shard made from the first one's records.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppendRequest } from '../../../../src/engine/mailbox/append.ts';
import { noName, readCopied } from '../../../../src/engine/mailbox/records.ts';
import { packRow } from '../../../../src/engine/mailbox/rows/packing.ts';
import { packRanges } from '../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { MailboxTree } from '../../../../src/engine/mailbox/tree.ts';
import { readMailboxRenamed } from '../../../../src/engine/mailbox/tree-records.ts';
import * as keys from '../../../../src/engine/store/keys.ts';
import type { JournalRecord } from '../../../../src/engine/store/record.ts';
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

const owner = { account, tenant };

class TreeWorld extends MailboxWorld {
  readonly tree = new MailboxTree(this.mailboxes, this.shard);

  request(more: Partial<AppendRequest> = {}): AppendRequest {
    return {
      ...{ account, tenant, mailbox: 1, id: this.ids.next(), flags: 1, keywords: ['$Own'] },
      ...{ internalMs: startMs - 1_000, bytes: messageBytes() },
      ...more,
    };
  }

  /** What the records lead to, applied from the first on. */
  replayed(times = 1): string[] {
    const again = rebuilt(this.shard, (shard) => {
      for (let i = 0; i < times; i++) for (const record of this.shard.records) shard.apply(record);
    });
    return tableText(again);
  }
}

const refused = (code: string) => (error: unknown) =>
  (error as { code?: string }).code === code || assert.fail(`not ${code}: ${error}`);

describe('the tree of mailboxes', () => {
  it('is the same after a replay, however often its records are applied', async () => {
    const world = new TreeWorld();
    await world.deliver();
    await world.tree.create(owner, 'A/B/C');
    await world.tree.subscribe(owner, 'A/B', true);
    await world.tree.subscribe(owner, 'Junk', false);
    const copy = { mailbox: 1, uids: [1, 1] };
    const target = world.tree.get(account, 'A/B/C').mailbox;
    await world.mailboxes.copy(account, tenant, copy, target, false);
    await world.tree.rename(owner, 'A/B', 'Z');
    await world.mailboxes.append(world.request());
    await world.tree.delete(owner, 'Z/C');
    assert.deepEqual(world.replayed(), tableText(world.shard));
    assert.deepEqual(world.replayed(2), tableText(world.shard));
  });

  it('leaves no row of a deleted mailbox, and gives its room and bodies back', async () => {
    const world = new TreeWorld();
    await world.deliver();
    const bytes = world.reader.account(account)!.bytes;
    await world.tree.create(owner, 'Gone');
    const { mailbox } = world.tree.get(account, 'Gone');
    for (let i = 0; i < 3; i++) await world.mailboxes.append(world.request({ mailbox }));
    await world.tree.delete(owner, 'Gone');
    for (const table of ['uidBlock', 'byModseq', 'vanished', 'byDate', 'byThreadDate'] as const) {
      const range = keys.mailboxRange(keys.tables[table], account, mailbox);
      assert.equal(world.shard.range(range).length, 0, table);
    }
    assert.equal(world.reader.mailbox(account, mailbox), undefined);
    assert.equal(world.reader.account(account)!.bytes, bytes);
    assert.equal(world.shard.released.length, 3);
    assert.equal(world.shard.livePlaces().length, 1);
  });

  it('takes along what came while a mailbox was being deleted', async () => {
    const world = new TreeWorld();
    await world.tree.create(owner, 'Gone');
    const { mailbox } = world.tree.get(account, 'Gone');
    const [, late] = await Promise.all([
      world.tree.delete(owner, 'Gone'),
      world.mailboxes.append(world.request({ mailbox })),
    ]);
    // Either it was in time and went with the mailbox, or it was refused; it is never acknowledged and hidden.
    const isThere = world.reader.document(account, late.ok ? late.document : 0) !== undefined;
    assert.equal(isThere, false);
    assert.deepEqual(world.replayed(), tableText(world.shard));
  });

  it('does not say that it copied into a mailbox that was deleted just before', async () => {
    const world = new TreeWorld();
    await world.deliver();
    await world.tree.create(owner, 'Gone');
    const { mailbox: target } = world.tree.get(account, 'Gone');
    await world.mailboxes.append(world.request({ mailbox: target }));
    await world.tree.delete(owner, 'Gone');
    const from = { mailbox: 1, uids: [1, 1] };
    const copied = world.mailboxes.copy(account, tenant, from, target, true);
    await assert.rejects(copied, refused('not-found'));
    assert.equal(world.reader.mailbox(account, 1)!.messages, 1, 'the message is where it was');
  });

  it('refuses what would leave two mailboxes under one path, or one under itself', async () => {
    const world = new TreeWorld();
    await world.tree.create(owner, 'A/B');
    await assert.rejects(world.tree.create(owner, 'A'), refused('already-exists'));
    await assert.rejects(world.tree.rename(owner, 'A', 'A/B/C'), refused('argument-invalid'));
    await assert.rejects(world.tree.rename(owner, 'A/B', 'Sent'), refused('already-exists'));
    await assert.rejects(world.tree.delete(owner, 'A'), refused('not-possible-now'));
    await assert.rejects(world.tree.delete(owner, 'INBOX'), refused('argument-invalid'));
    const [one, other] = await Promise.allSettled([
      world.tree.rename(owner, 'A/B', 'New'),
      world.tree.rename(owner, 'Drafts', 'New'),
    ]);
    assert.deepEqual([one.status, other.status], ['fulfilled', 'rejected']);
  });

  it('never puts each of two mailboxes below the other', async () => {
    const world = new TreeWorld();
    await world.tree.create(owner, 'A');
    await world.tree.create(owner, 'B');
    const both = await Promise.allSettled([
      world.tree.rename(owner, 'A', 'B/A'),
      world.tree.rename(owner, 'B', 'A/B'),
    ]);
    const fates = both.map(({ status }) => status).sort();
    assert.deepEqual(fates, ['fulfilled', 'rejected']);
    const paths = ['B/A', 'A/B'].filter((path) => world.tree.find(account, path) !== undefined);
    assert.equal(paths.length, 1);
  });

  it('never puts a mailbox below one that is being deleted', async () => {
    const world = new TreeWorld();
    await world.tree.create(owner, 'A');
    await world.tree.create(owner, 'B');
    await Promise.allSettled([world.tree.delete(owner, 'B'), world.tree.rename(owner, 'A', 'B/A')]);
    const isSeen = ['A', 'B/A'].some((path) => world.tree.find(account, path) !== undefined);
    assert.ok(isSeen, 'it is to be found under one of its paths');
  });

  it('has mailboxes with a role subscribed until their owner says otherwise', async () => {
    const world = new TreeWorld();
    await world.deliver();
    const roles = ['INBOX', 'Drafts', 'Sent', 'Junk', 'Trash', 'Archive'];
    assert.deepEqual(world.tree.subscribed(account), roles);
    await world.tree.subscribe(owner, 'Junk', false);
    await world.tree.subscribe(owner, 'Nowhere/yet', true);
    const paths = roles.filter((path) => path !== 'Junk');
    assert.deepEqual(world.tree.subscribed(account), [...paths, 'Nowhere/yet']);
    const count = world.shard.records.length;
    await world.tree.subscribe(owner, 'Nowhere/yet', true);
    assert.equal(world.shard.records.length, count, 'a second time is no record');
  });
});

// RFC 9051 §6.3.6.
describe('a mailbox that is renamed', () => {
  it('keeps its subscriptions and those below it, on and off', async () => {
    const world = new TreeWorld();
    await world.deliver();
    await world.tree.create(owner, 'A/B/C');
    for (const path of ['A', 'A/B/C', 'A/B/gone', 'Ax']) {
      await world.tree.subscribe(owner, path, true);
    }
    await world.tree.subscribe(owner, 'Junk', false);
    await world.tree.rename(owner, 'A', 'New/A');
    await world.tree.rename(owner, 'Junk', 'Spam');
    await world.tree.rename(owner, 'Sent', 'Gesendet');
    const wanted = ['Archive', 'Ax', 'Drafts', 'Gesendet', 'INBOX', 'New/A'];
    assert.deepEqual(world.tree.subscribed(account).sort(), [
      ...[...wanted, 'New/A/B/C', 'New/A/B/gone', 'Trash'],
    ]);
    assert.deepEqual(world.replayed(2), tableText(world.shard));
  });

  it('is refused where what is below it would have a name nobody can say', async () => {
    const world = new TreeWorld();
    await world.deliver();
    const deep = Array.from({ length: 20 }, (_, i) => `l${i}`).join('/');
    await world.tree.create(owner, `A/${deep}`);
    await world.tree.create(owner, `B/${deep}`);
    const rename = world.tree.rename(owner, 'A', `B/${deep}/A`);
    await assert.rejects(rename, refused('argument-invalid'));
    assert.ok(world.tree.find(account, `A/${deep}`) !== undefined);
  });

  it('as INBOX gives all its messages away, though its thread dies in the middle', async () => {
    const world = new TreeWorld();
    for (let i = 0; i < 1_100; i++) await world.deliver();
    await world.tree.create(owner, 'INBOX/below');
    const id = world.ids.next();
    world.shard.faults.push(undefined, undefined, 'lost');
    await assert.rejects(world.tree.rename(owner, 'INBOX', 'Old', id));
    assert.equal(world.reader.mailbox(account, 1)!.messages, 600);
    await world.tree.rename(owner, 'INBOX', 'Old', id);
    const old = world.tree.get(account, 'Old');
    assert.deepEqual([old.row.messages, world.reader.mailbox(account, 1)!.messages], [1_100, 0]);
    assert.ok(world.tree.find(account, 'INBOX/below') !== undefined, 'what is below stays');
    await assert.rejects(world.tree.rename(owner, 'INBOX', 'Old'), refused('already-exists'));
    assert.deepEqual(world.replayed(2), tableText(world.shard));
  });
});

describe('what is asked again by its id', () => {
  it('is done once: made, renamed, deleted', async () => {
    const world = new TreeWorld();
    await world.deliver();
    const [made, renamed, deleted] = [world.ids.next(), world.ids.next(), world.ids.next()];
    const number = await world.tree.create(owner, 'A', '', made);
    assert.equal(await world.tree.create(owner, 'A', '', made), number);
    await world.tree.rename(owner, 'A', 'B', renamed);
    await world.tree.rename(owner, 'A', 'B', renamed);
    await world.tree.create(owner, 'A');
    await world.tree.delete(owner, 'B', deleted);
    await world.tree.create(owner, 'B');
    await world.tree.delete(owner, 'B', deleted);
    assert.ok(world.tree.find(account, 'B') !== undefined, 'the second B is not the one deleted');
    await assert.rejects(
      world.tree.create(owner, 'A', '', world.ids.next()),
      refused('already-exists'),
    );
    assert.deepEqual(world.replayed(2), tableText(world.shard));
  });

  it('and records without names and paths are read as before', () => {
    const meta = packRow([1, 9, 7, 'B', 0]);
    const record = { meta } as JournalRecord;
    assert.deepEqual(readMailboxRenamed(record), {
      ...{ account: 1, modseq: 9, mailbox: 7, name: 'B', parent: 0 },
      ...{ fromPath: '', toPath: '', ask: noName },
    });
    const copied = { meta: packRow([1, 9, 7, packRanges([1, 3]), 8, 4]) } as JournalRecord;
    assert.deepEqual(readCopied(copied), {
      ...{ account: 1, modseq: 9, mailbox: 7, uids: [1, 3], target: 8, firstUid: 4 },
      ...{ savedMs: 0, copyDay: 0, copyHash: new Uint8Array(0), forgetDay: 0 },
    });
  });
});

describe('an append', () => {
  it('keeps the octets, the flags and the date, and adds nothing', async () => {
    const world = new TreeWorld();
    await world.deliver();
    const outcome = await world.mailboxes.append(world.request());
    assert.ok(outcome.ok);
    const row = world.reader.document(account, outcome.document)!;
    assert.deepEqual(Buffer.from(await world.reader.bytes(row)), messageBytes());
    assert.equal(row.internalMs, startMs - 1_000);
    const [, appended] = world.reader.messages(account, 1, 1, 10);
    assert.deepEqual(appended!.flags, ['\\Seen', '$Own']);
  });

  it('changes nothing when it is done again: the thread died before its answer', async () => {
    const world = new TreeWorld();
    const request = world.request();
    const [first, second] = await Promise.all([
      world.mailboxes.append(request),
      world.mailboxes.append(request),
    ]);
    const third = await world.mailboxes.append(request);
    assert.ok(first.ok && second.ok && third.ok);
    assert.deepEqual([first.uid, second.uid, third.uid], [1, 1, 1]);
    assert.deepEqual([first.isRepeat, second.isRepeat, third.isRepeat], [false, true, true]);
    assert.equal(world.reader.mailbox(account, 1)!.messages, 1);
  });

  it('that the disk refuses is refused, and its UID is not given again', async () => {
    const world = new TreeWorld();
    await world.deliver();
    world.shard.faults.push('lost');
    const lost = await world.mailboxes.append(world.request());
    assert.equal(lost.ok === false && lost.code, 'store-failed');
    const next = await world.mailboxes.append(world.request());
    assert.equal(next.ok && next.uid, 3);
  });

  it('that the quota has no room for is refused', async () => {
    const world = new TreeWorld();
    await world.mailboxes.putAccount(account, tenant, quotaOf(10));
    const outcome = await world.mailboxes.append(world.request());
    assert.equal(outcome.ok === false && outcome.code, 'account-over-quota');
  });
});
