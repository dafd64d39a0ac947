/**
 * Aim: an expunged message can be had back as it was until its time is over, counts for nothing meanwhile, and is gone
 *      for good then; whatever is replayed, the tables are the same.
 * Method: the real mailboxes on a fake shard with a hand-turned clock; and on the real one with an index in memory.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { shardId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, secondMs } from '../../../../src/base/units.ts';
import { KeptMessages } from '../../../../src/engine/mailbox/kept.ts';
import { Mailboxes } from '../../../../src/engine/mailbox/mailboxes.ts';
import { MailboxTree } from '../../../../src/engine/mailbox/tree.ts';
import { accountRange, tables } from '../../../../src/engine/store/keys.ts';
import { Shard } from '../../../../src/engine/store/shard.ts';
import {
  account,
  MailboxWorld,
  messageBytes,
  rebuilt,
  startMs,
  tableText,
  tenant,
} from './mailbox-world.ts';

const owner = { account, tenant };
const keepMs = 7 * dayMs;
const inbox = 1;
const trash = 5;

class KeptWorld extends MailboxWorld {
  readonly tree: MailboxTree;
  readonly kept: KeptMessages;

  constructor() {
    super({ keepExpungedMs: keepMs });
    this.tree = new MailboxTree(this.mailboxes, this.shard);
    const { shard, mailboxes, tree, clock } = this;
    this.kept = new KeptMessages({ shard, mailboxes, tree, clock });
  }

  async filled(count = 3): Promise<this> {
    for (let i = 1; i <= count; i++) {
      await this.deliver(
        messageBytes({ id: `${i}@x`, subject: `Number ${i}`, text: `Text ${i}.` }),
      );
    }
    return this;
  }

  expunge(uid: number, last = uid, mailbox = inbox) {
    return this.mailboxes.expunge(account, tenant, mailbox, [uid, last]);
  }

  async subjects(path?: string): Promise<string[]> {
    const { entries } = await this.kept.list(account, path);
    return entries.map(({ subject }) => subject);
  }

  async documents(path?: string): Promise<number[]> {
    const { entries } = await this.kept.list(account, path);
    return entries.map(({ document }) => document);
  }

  uids(mailbox = inbox): number[] {
    return this.reader.messages(account, mailbox, 1, 999).map(({ uid }) => uid);
  }

  keptRows(): number {
    return this.shard.range(accountRange(tables.kept, account)).length;
  }

  /** As time goes by. */
  async swept(): Promise<void> {
    this.kept.sweep();
    for (let i = 0; i < 20; i++) await turn();
  }

  replayed(times: number): string[] {
    const again = rebuilt(this.shard, (shard) => {
      for (let i = 0; i < times; i++) for (const record of this.shard.records) shard.apply(record);
    });
    return tableText(again);
  }
}

describe('expunged messages', () => {
  it('are listed with what people know them by, newest first, and do not count', async () => {
    const world = await new KeptWorld().filled();
    const before = world.reader.account(account)!;
    const [, second] = world.reader.messages(account, inbox, 1, 9);
    const { size } = world.reader.document(account, second!.document)!;
    world.nowMs += secondMs;
    await world.expunge(2);
    world.nowMs += secondMs;
    await world.expunge(1);
    const { entries } = await world.kept.list(account, undefined);
    assert.deepEqual(entries[1], {
      ...{ document: second!.document, path: 'INBOX', size, internalMs: startMs },
      ...{ expungedMs: startMs + secondMs, untilMs: startMs + secondMs + keepMs },
      ...{ from: 's@x.test', subject: 'Number 2' },
    });
    assert.deepEqual(await world.subjects(), ['Number 1', 'Number 2']);
    const after = world.reader.account(account)!;
    assert.deepEqual([after.documents, after.bytes], [1, before.bytes - 2 * size]);
    assert.deepEqual(world.shard.released, []);
  });

  it('come back with flags, keywords and conversation under a new UID', async () => {
    const world = await new KeptWorld().filled();
    const store = {
      mailbox: inbox,
      uids: [2, 2],
      op: 'add' as const,
      flags: 5,
      keywords: ['$Own'],
    };
    await world.mailboxes.storeFlags(account, tenant, store);
    const [, before] = world.reader.messages(account, inbox, 1, 9);
    const row = world.reader.document(account, before!.document)!;
    const counts = world.reader.account(account)!;
    await world.expunge(2);
    assert.equal(await world.kept.restore(owner, [before!.document]), 1);
    assert.deepEqual(world.uids(), [1, 3, 4]);
    const after = world.reader.messages(account, inbox, 4, 1)[0]!;
    assert.deepEqual([after.document, after.flags], [before!.document, before!.flags]);
    const { places, thread, ...same } = world.reader.document(account, after.document)!;
    const { places: _, thread: __, ...wanted } = row;
    assert.deepEqual([same, places], [wanted, [inbox, 4]]);
    const { documents, bytes } = world.reader.account(account)!;
    assert.deepEqual([documents, bytes], [counts.documents, counts.bytes]);
    assert.deepEqual(await world.subjects(), []);
    assert.equal(await world.kept.restore(owner, [before!.document, 999]), 0);
    await world.deliver(messageBytes({ id: 're@x', subject: 'Re: Number 2', replyTo: '2@x' }));
    const reply = world.reader.messages(account, inbox, 5, 1)[0]!;
    assert.equal(world.reader.document(account, reply.document)!.thread, thread);
  });

  it('are only those in no mailbox any more', async () => {
    const world = await new KeptWorld().filled();
    await world.mailboxes.copy(account, tenant, { mailbox: inbox, uids: [1, 1] }, trash, false);
    await world.mailboxes.copy(account, tenant, { mailbox: inbox, uids: [2, 2] }, trash, true);
    await world.expunge(1);
    assert.deepEqual(await world.subjects(), []);
    assert.equal(world.keptRows(), 0);
    await world.expunge(1, 2, trash);
    assert.deepEqual(await world.subjects('Trash'), ['Number 2', 'Number 1']);
    assert.deepEqual(await world.subjects('INBOX'), []);
  });

  it('go back to their mailbox by its new name, make it anew where it was deleted, or go where told', async () => {
    const world = await new KeptWorld().filled();
    const made = await world.tree.create(owner, 'A/B');
    await world.mailboxes.copy(account, tenant, { mailbox: inbox, uids: [1, 3] }, made, true);
    await world.expunge(1, 1, made);
    await world.tree.rename(owner, 'A/B', 'C');
    assert.equal(await world.kept.restore(owner, await world.documents('C')), 1);
    assert.deepEqual(world.uids(made), [2, 3, 4]);
    await world.tree.delete(owner, 'C');
    assert.deepEqual((await world.subjects('C')).sort(), ['Number 1', 'Number 2', 'Number 3']);
    const [first, ...others] = await world.documents();
    assert.equal(await world.kept.restore(owner, others), 2);
    const anew = world.tree.get(account, 'C').mailbox;
    assert.notEqual(anew, made);
    assert.deepEqual(world.uids(anew), [1, 2]);
    assert.equal(await world.kept.restore(owner, [first!], 'Found/Here'), 1);
    assert.deepEqual(world.uids(world.tree.get(account, 'Found/Here').mailbox), [1]);
  });

  it('are let go when their time is over, and not before; what was had back stays', async () => {
    const world = await new KeptWorld().filled(4);
    await world.expunge(1, 3);
    await world.kept.restore(owner, [2, 3]);
    world.nowMs += dayMs;
    // Document 3 again: its time begins anew.
    await world.expunge(6);
    world.nowMs += keepMs - dayMs - 1;
    await world.swept();
    assert.equal(world.keptRows(), 2);
    world.nowMs += 10 * secondMs;
    await world.swept();
    assert.equal(world.keptRows(), 1);
    assert.deepEqual(await world.documents(), [3]);
    assert.equal(world.shard.released.length, 1);
    assert.equal(world.reader.document(account, 1), undefined);
    assert.equal(await world.reader.parsed(account, 1), undefined);
    assert.deepEqual(world.uids(), [4, 5]);
    world.nowMs += dayMs;
    await world.swept();
    assert.deepEqual([world.keptRows(), world.shard.released.length], [0, 2]);
    assert.equal(world.shard.livePlaces().length, 2);
  });

  it('are let go at once when asked, and with their account', async () => {
    const world = await new KeptWorld().filled(300);
    await world.expunge(1, 250);
    await world.kept.restore(owner, [7]);
    assert.equal(await world.kept.purge(owner), 249);
    assert.deepEqual(await world.documents(), []);
    assert.equal(world.shard.released.length, 249);
    await world.expunge(251, 260);
    await world.mailboxes.deleteAccount(account, tenant);
    assert.equal(world.shard.released.length, 300);
    assert.deepEqual([world.keptRows(), world.shard.livePlaces()], [0, []]);
  });

  it('do not come back over the quota', async () => {
    const world = await new KeptWorld().filled(2);
    const { bytes } = world.reader.account(account)!;
    await world.expunge(1);
    await world.mailboxes.putAccount(account, tenant, { bytes: bytes - 1, messages: 0 });
    await assert.rejects(world.kept.restore(owner, [1]), { code: 'account-over-quota' });
    assert.deepEqual(await world.documents(), [1]);
  });

  it('take their room before they are journaled: what is appended meanwhile does not get it', async () => {
    const world = await new KeptWorld().filled(2);
    const { bytes } = world.reader.account(account)!;
    await world.expunge(1);
    await world.mailboxes.putAccount(account, tenant, { bytes, messages: 0 });
    const back = world.kept.restore(owner, [1, 1]);
    // It is decided, and not journaled yet.
    for (let i = 0; i < 50; i++) await Promise.resolve();
    const late = await world.deliver(
      messageBytes({ id: '3@x', subject: 'Number 3', text: 'Text 3.' }),
    );
    assert.equal(await back, 1, 'once, though it was named twice');
    assert.equal(late.ok, false);
    assert.ok(world.reader.account(account)!.bytes <= bytes);
  });

  it('are listed page by page', async () => {
    const world = await new KeptWorld().filled(450);
    for (let uid = 1; uid <= 450; uid += 30) {
      world.nowMs++;
      await world.expunge(uid, uid + 29);
    }
    const seen: number[] = [];
    let after: Parameters<KeptMessages['list']>[2];
    do {
      const { entries, next } = await world.kept.list(account, undefined, after);
      assert.ok(entries.length <= 230);
      seen.push(...entries.map(({ document }) => document));
      after = next;
    } while (after !== undefined);
    assert.deepEqual(
      seen,
      Array.from({ length: 450 }, (_, at) => 450 - at),
    );
  });

  it('leave the same tables after a replay, done once or twice', async () => {
    const world = await new KeptWorld().filled(6);
    await world.expunge(1, 4);
    await world.kept.restore(owner, [1, 2, 3]);
    await world.expunge(8);
    const made = await world.tree.create(owner, 'A');
    await world.mailboxes.copy(account, tenant, { mailbox: inbox, uids: [5, 6] }, made, true);
    await world.tree.delete(owner, 'A');
    await world.kept.restore(owner, [6], 'B');
    world.nowMs += keepMs + 1;
    await world.swept();
    await world.expunge(7);
    assert.ok(world.keptRows() > 0);
    for (const times of [1, 2]) assert.deepEqual(world.replayed(times), tableText(world.shard));
  });

  it('with no time to keep them are gone at once, as from records of older versions', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    await world.mailboxes.expunge(account, tenant, inbox, [1, 1]);
    assert.equal(world.shard.released.length, 1);
    assert.equal(world.shard.range(accountRange(tables.kept, account)).length, 0);
  });
});

describe('expunged messages on a shard', () => {
  const random = { bytes: (length: number) => new Uint8Array(length).fill(1), fraction: () => 0.5 };

  async function open(disk: MemoryDisk, index: MemoryIndex) {
    const mailboxes = new Mailboxes({ clock: nodeClock, keepExpungedMs: keepMs });
    const shard = await Shard.open({
      ...{ id: shardId(0), folder: 'shard', disk, index, clock: nodeClock, random },
      ...{ log: silentLog, kinds: mailboxes.kinds },
      limits: { indexDelayMs: 1, diskFreeBytesMin: 0, reserveBytes: 0, segmentBytesMax: 8_192 },
    });
    mailboxes.start(shard);
    const tree = new MailboxTree(mailboxes, shard);
    const kept = new KeptMessages({ shard, mailboxes, tree, clock: nodeClock });
    return { mailboxes, shard, index, kept };
  }

  /** A closed shard on which much was expunged, and states its index had on the way. */
  async function played() {
    const world = new MailboxWorld();
    const disk = new MemoryDisk();
    const { mailboxes, shard, index, kept } = await open(disk, new MemoryIndex());
    for (let i = 1; i <= 60; i++) {
      const target = { account, recipient: 'u@a.test' };
      const [outcome] = await mailboxes.deliver({
        ...{ id: world.ids.next(), tenant, sender: 's@x.test', receivedMs: i, targets: [target] },
        parts: [messageBytes({ id: `${i}@x`, text: `Text ${i}.` })],
      });
      assert.ok(outcome?.ok);
    }
    const states = [index.copy()];
    await mailboxes.expunge(account, tenant, inbox, [1, 50]);
    states.push(index.copy());
    await kept.restore(owner, [10, 20]);
    await mailboxes.expunge(account, tenant, inbox, [52, 60]);
    await shard.compact();
    await shard.close();
    return { disk, states: [...states, index] };
  }

  it('outlive compaction and any state of the index, and free their room when they go', async () => {
    for (const at of [0, 1, 2]) {
      const { disk, states } = await played();
      const again = await open(disk, states[at]!);
      const { entries } = await again.kept.list(account, undefined);
      assert.equal(entries.length, 57);
      assert.equal(await again.kept.restore(owner, [30]), 1);
      const [message] = again.mailboxes.reader.messages(account, inbox, 63, 1);
      const row = again.mailboxes.reader.document(account, message!.document)!;
      const text = Buffer.from(await again.mailboxes.reader.bytes(row)).toString();
      assert.match(text, /Text 30\.\r\n$/);
      const before = again.shard.status().liveBytes;
      assert.equal(await again.kept.purge(owner), 56);
      const { liveBytes } = again.shard.status();
      assert.ok(liveBytes < before / 10, `${liveBytes} of ${before}`);
      await again.shard.close();
      const last = await open(disk, again.index);
      assert.equal(last.shard.status().liveBytes, liveBytes, 'a replay counts the same');
      await last.shard.close();
    }
  });
});
