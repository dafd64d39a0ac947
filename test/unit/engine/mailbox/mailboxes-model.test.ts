/**
 * Aim: whatever is done to mailboxes, they show what a plain Map shows, and the table can be made again from records.
 * Method: random operations (seed printed on failure) on the fake shard and on the model; then replays of the records:
 *         once, each twice, all twice, and from the middle.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { noteTold } from '../../../../src/engine/mailbox/imap/recent.ts';
import { decodeThread } from '../../../../src/engine/mailbox/rows/thread-row.ts';
import { systemFlags } from '../../../../src/engine/mailbox/rows/uid-block.ts';
import { idsOf } from '../../../../src/engine/mailbox/rows/uid-ranges.ts';
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

interface Held {
  readonly document: number;
  readonly internalMs: number;
  readonly size: number;
  readonly flags: Set<string>;
}

const mailbox = fc.integer({ min: 1, max: 3 });
const uids = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.nat(6))
  .map(([first, more]) => [first, first + more]);
const flag = fc.nat(2 ** systemFlags.length - 1);
const keywords = fc.uniqueArray(fc.constantFrom('$a', '$b', '$c'), { maxLength: 2 });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('deliver' as const),
      reply: fc.nat(8),
      at: fc.nat(4),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('flags' as const),
      mailbox,
      uids,
      flag,
      keywords,
      op: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('copy' as const),
      mailbox,
      uids,
      target: mailbox,
      isMove: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expunge' as const), mailbox, uids }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('told' as const), mailbox, uids }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Model {
  readonly boxes = new Map<number, Map<number, Held>>(
    [1, 2, 3, 4, 5, 6].map((one) => [one, new Map()]),
  );
  readonly uidNext = new Map([1, 2, 3, 4, 5, 6].map((one) => [one, 1]));
  /** Messages below are \Recent to nobody. */
  readonly recentUid = new Map([1, 2, 3, 4, 5, 6].map((one) => [one, 1]));
  documents = 0;

  add(to: number, held: Held): void {
    const uid = this.uidNext.get(to)!;
    this.uidNext.set(to, uid + 1);
    this.boxes.get(to)!.set(uid, held);
  }
}

async function play(world: MailboxWorld, model: Model, one: Step): Promise<void> {
  const { mailboxes } = world;
  if (one.kind === 'deliver') {
    const internalMs = startMs + one.at * 1_000;
    world.nowMs = internalMs;
    const outcomes = await Promise.all(
      Array.from({ length: one.count }, () => {
        const id = `${++model.documents}@x`;
        const bytes = messageBytes({
          id,
          replyTo: `${one.reply}@x`,
          subject: `Re: ${one.reply % 2}`,
        });
        return world.deliver(bytes).then((outcome) => ({ outcome, bytes }));
      }),
    );
    for (const { outcome, bytes } of outcomes) {
      assert.ok(outcome.ok);
      const size = bytes.length + 'Return-Path: <s@x.test>\r\nDelivered-To: u@a.test\r\n'.length;
      model.add(1, { document: outcome.document, internalMs, size, flags: new Set() });
    }
    return;
  }
  if (one.kind === 'told') {
    const { reader, shard } = world;
    const [told] = one.uids;
    await noteTold({ reader, shard }, { account, tenant }, one.mailbox, told!);
    const isTold = Math.min(told!, model.uidNext.get(one.mailbox)!);
    model.recentUid.set(one.mailbox, Math.max(isTold, model.recentUid.get(one.mailbox)!));
    return;
  }
  const box = model.boxes.get(one.mailbox)!;
  const there = [...idsOf(one.uids)].filter((uid) => box.has(uid));
  if (one.kind === 'flags') {
    const names = [...systemFlags.filter((_, bit) => (one.flag >> bit) & 1), ...one.keywords];
    const store = {
      mailbox: one.mailbox,
      uids: one.uids,
      op: one.op,
      flags: one.flag,
      keywords: one.keywords,
    };
    assert.deepEqual([...idsOf(await mailboxes.storeFlags(account, tenant, store))], there);
    for (const uid of there) {
      const { flags } = box.get(uid)!;
      if (one.op === 'replace') flags.clear();
      for (const name of names) one.op === 'remove' ? flags.delete(name) : flags.add(name);
    }
  } else if (one.kind === 'copy') {
    const from = { mailbox: one.mailbox, uids: one.uids };
    await mailboxes.copy(account, tenant, from, one.target, one.isMove);
    const moved = there.map((uid) => box.get(uid)!);
    if (one.isMove) for (const uid of there) box.delete(uid);
    for (const held of moved) model.add(one.target, { ...held, flags: new Set(held.flags) });
  } else {
    assert.deepEqual(
      [...idsOf(await mailboxes.expunge(account, tenant, one.mailbox, one.uids))],
      there,
    );
    for (const uid of there) box.delete(uid);
  }
}

function compareWithModel(world: MailboxWorld, model: Model): void {
  const { reader } = world;
  const documents = new Map<number, number>();
  for (const [number, box] of model.boxes) {
    const shown = reader.messages(account, number, 1, 1_000);
    assert.deepEqual(
      shown.map((one) => [one.uid, one.document, new Set(one.flags)]),
      [...box].sort(([a], [b]) => a - b).map(([uid, held]) => [uid, held.document, held.flags]),
    );
    const row = reader.mailbox(account, number)!;
    const held = [...box.values()];
    assert.equal(row.messages, held.length);
    assert.equal(row.unseen, held.filter((one) => !one.flags.has('\\Seen')).length);
    assert.equal(row.deleted, held.filter((one) => one.flags.has('\\Deleted')).length);
    assert.equal(
      row.bytes,
      held.reduce((sum, one) => sum + one.size, 0),
    );
    assert.equal(row.uidNext, model.uidNext.get(number));
    const recentUid = model.recentUid.get(number)!;
    assert.equal(row.recentUid, recentUid);
    assert.equal(row.recent, [...box.keys()].filter((uid) => uid >= recentUid).length);
    const byDate = world.shard.range(keys.mailboxRange(keys.tables.byDate, account, number));
    assert.deepEqual(
      byDate.map(({ key }) => [keys.dateMsOf(key), keys.lastU32(key)]),
      [...new Map(held.map((one) => [one.document, one])).values()]
        .sort((a, b) => b.internalMs - a.internalMs || a.document - b.document)
        .map((one) => [one.internalMs, one.document]),
    );
    for (const one of held) documents.set(one.document, one.size);
  }
  const row = reader.account(account)!;
  assert.equal(row.documents, documents.size);
  assert.equal(
    row.bytes,
    [...documents.values()].reduce((sum, size) => sum + size, 0),
  );
  assert.equal(world.shard.livePlaces().length, documents.size);
  const bodies = world.shard.records.filter((record) => record.body.length > 0).length;
  assert.equal(world.shard.released.length, bodies - documents.size);
  compareThreads(world, [...documents.keys()]);
}

/** Every thread lists just its documents, and each mailbox's newest date leads to it. */
function compareThreads(world: MailboxWorld, documents: number[]): void {
  const members = new Map<number, number[]>();
  const heads = new Map<string, { newestMs: number; messages: number }>();
  for (const document of documents.sort((a, b) => a - b)) {
    const row = world.reader.document(account, document)!;
    members.set(row.thread, [...(members.get(row.thread) ?? []), document]);
    for (let i = 0; i < row.places.length; i += 2) {
      const name = `${row.thread} ${row.places[i]}`;
      const head = heads.get(name) ?? { newestMs: 0, messages: 0 };
      const newestMs = Math.max(head.newestMs, row.internalMs);
      heads.set(name, { newestMs, messages: head.messages + 1 });
    }
  }
  const rows = world.shard.range(keys.accountRange(keys.tables.thread, account));
  assert.deepEqual(
    rows.map(({ key }) => keys.lastU32(key)),
    [...members.keys()].sort((a, b) => a - b),
  );
  const shownHeads = new Map<string, { newestMs: number; messages: number }>();
  for (const { key, value } of rows) {
    const thread = keys.lastU32(key);
    const row = decodeThread(value);
    assert.deepEqual(
      [...row.members].sort((a, b) => a - b),
      members.get(thread),
    );
    for (const { mailbox: box, newestMs, messages } of row.heads) {
      shownHeads.set(`${thread} ${box}`, { newestMs, messages });
      const dated = keys.byThreadDateKey(account, box, newestMs, thread);
      assert.ok(world.shard.get(dated) !== undefined, 'the newest date leads to the thread');
    }
  }
  assert.deepEqual(new Map([...shownHeads].sort()), new Map([...heads].sort()));
  const dated = world.shard.range(keys.accountRange(keys.tables.byThreadDate, account));
  assert.equal(dated.length, heads.size);
  if (documents.length === 0) {
    const ids = world.shard.range(keys.accountRange(keys.tables.messageId, account));
    assert.equal(ids.length, 0);
  }
}

function compareReplays(world: MailboxWorld): void {
  const wanted = tableText(world.shard);
  const { records } = world.shard;
  const once = rebuilt(world.shard, (shard) => {
    for (const record of records) shard.apply(record);
  });
  assert.deepEqual(tableText(once), wanted);
  assert.equal(
    new Set(once.released.map((place) => place.sequence)).size,
    world.shard.released.length,
    'a replay lets the same bodies go',
  );
  const eachTwice = rebuilt(world.shard, (shard) => {
    for (const record of records) {
      shard.apply(record);
      shard.apply(record);
    }
  });
  assert.deepEqual(tableText(eachTwice), wanted);
  const allTwice = rebuilt(world.shard, (shard) => {
    for (const record of [...records, ...records]) shard.apply(record);
  });
  assert.deepEqual(tableText(allTwice), wanted);
  const middle = Math.floor(records.length / 2);
  const overlapping = rebuilt(world.shard, (shard) => {
    for (const record of records.slice(0, middle + 3)) shard.apply(record);
    for (const record of records.slice(Math.max(0, middle - 3))) shard.apply(record);
  });
  assert.deepEqual(tableText(overlapping), wanted);
}

describe('mailboxes against a model', () => {
  it('show what a Map shows after any operations, and are rebuilt from their records', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const world = new MailboxWorld();
        await world.mailboxes.putAccount(account, tenant, quotaOf(0));
        const model = new Model();
        for (const one of steps) await play(world, model, one);
        compareWithModel(world, model);
        compareReplays(world);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a replay over an index that is ahead', () => {
  it('lets go the bodies that the index knows to be ended, once each', async () => {
    const world = new MailboxWorld();
    for (let i = 0; i < 4; i++) await world.deliver(messageBytes({ id: `${i}@x` }));
    await world.mailboxes.expunge(account, tenant, 1, [2, 3]);
    const ahead = rebuilt(world.shard, (shard) => {
      shard.write(world.shard.index.entries().map(({ key, value }) => ({ put: key, value })));
      for (const record of world.shard.records) shard.apply(record);
    });
    assert.deepEqual(tableText(ahead), tableText(world.shard));
    const sequences = (places: readonly { readonly sequence: number }[]) =>
      places.map((place) => place.sequence);
    assert.deepEqual(sequences(ahead.released), sequences(world.shard.released));
  });
});
