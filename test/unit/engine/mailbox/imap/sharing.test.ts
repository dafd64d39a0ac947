/**
 * Aim:    nobody gets at another's mailbox without a right to it, by no ask; rights, inherited lists and a reader's \Seen
 *         are the same after any replay.
 * Method: every ask by readers with and without rights, on a shard in memory; \Seen against a plain set; tables byte by
 *         byte.
 *
 * RFC 4314.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../../../../src/actors/ask.ts';
import {
  type AclEntryValue,
  type Appended,
  imapAsks,
  type MessageRecord,
  type OpenedMailbox,
  type PackedSetAcl,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { dayMs } from '../../../../../src/base/units.ts';
import { aclEntriesMax } from '../../../../../src/engine/mailbox/rows/acl-row.ts';
import { systemFlags } from '../../../../../src/engine/mailbox/rows/uid-block.ts';
import { allRights, rights, rightsOf } from '../../../../../src/mail/wire/imap/rights.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

const reader = 2;
const otherTenant = 7;

class World extends ImapWorld {
  as(who: number, name: string, meta: unknown, ofTenant: number = tenant): Promise<Answer> {
    return this.carry(name, [who, ofTenant, meta], Buffer.from('x'));
  }

  give(text: string, identifier = reader, path = 'INBOX', isNegative = false): Promise<Answer> {
    const set: PackedSetAcl = [identifier, isNegative, 'replace', rightsOf(text)!];
    return this.ask(imapAsks.setAcl, [owner, path, set]);
  }

  async codeOf(answer: Promise<Answer>): Promise<string> {
    const done = await answer;
    return done.ok ? 'ok' : done.code;
  }
}

/** An ask of each name that its owner could ask, about INBOX. */
function everyAsk(world: World): ReadonlyMap<string, unknown> {
  const view = world.now();
  const numbered = [account, view];
  const metas: Readonly<Record<keyof typeof imapAsks, unknown>> = {
    list: owner,
    open: [owner, 'INBOX'],
    create: [owner, 'INBOX/Aa', ''],
    delete: [owner, 'Drafts'],
    rename: [owner, 'Drafts', 'Aa'],
    subscribe: [owner, 'INBOX', true],
    recentTold: [owner, 1, 2],
    recentCount: [...numbered, 1],
    sync: [...numbered, 0, true, 0, false, false],
    vanished: [...numbered, 0, [1, 9]],
    fetch: [owner, view, true, [1, 9], 1, [], false, 0, [0, 0, 0, 0], -1],
    store: [owner, view, true, [1, 9], 'add', 4, [], 0, 0, -1],
    storeMany: [owner, view, [[true, [1, 9], 'add', 4, true]], 0, 0, 0],
    expunge: [owner, view],
    copy: [owner, view, true, [1, 9], 'Drafts', false, world.ids.next()],
    append: [owner, 'INBOX', world.ids.next(), 1_000, [[0, [], 0, [1]]], null],
    search: [...numbered, { op: 'all' }, [], 0, 0, false, 0],
    sort: [...numbered, true, { op: 'all' }, [], []],
    context: [...numbered, { op: 'all' }, [], []],
    newest: [...numbered, [[true, [1, 9]]], 1, -1],
    batches: [...numbered, 500, 1, 2],
    thread: [...numbered, true, 'REFERENCES', { op: 'all' }, []],
    readMessages: [owner, view, true, [1, 9], 1],
    takeOut: [owner, view, [1, 9]],
    takeBack: [owner, 'INBOX', [[world.ids.next(), 1]]],
    getAcl: [owner, 'INBOX'],
    setAcl: [owner, 'INBOX', [reader, false, 'replace', allRights]],
    myRights: [owner, 'INBOX'],
    getMetadata: [owner, 'INBOX', ['/shared/a'], -1, 0],
    setMetadata: [owner, 'INBOX', [['/shared/a', Buffer.from('x')]], [5, 5_000]],
    listNamed: [owner, ['INBOX']],
    listMetadata: [owner, ['/shared/a']],
    changedMetadata: [account, 1, 0],
    quota: [owner],
    deletedBytes: [owner, 1],
  };
  return new Map(Object.entries(metas).map(([key, meta]) => [imapAsks[key as 'list'], meta]));
}

describe('a reader without rights', () => {
  it('hears of every ask that there is no such mailbox, and changes nothing', async () => {
    const world = new World();
    await world.deliver();
    await world.give('lrswipkxtea', 3);
    const before = tableText(world.shard);
    for (const [name, meta] of everyAsk(world)) {
      const answer = await world.as(reader, name, meta);
      if (name === imapAsks.list) {
        assert.deepEqual(answer.ok && answer.value, { mailboxes: [], subscribed: [], rights: [] });
      } else if (name === imapAsks.listMetadata) {
        assert.deepEqual(answer.ok && answer.value, []);
      } else {
        const wanted = name === imapAsks.create ? 'permission-missing' : 'not-found';
        assert.equal(!answer.ok && answer.code, wanted, name);
      }
    }
    assert.deepEqual(tableText(world.shard), before);
  });

  it('of another tenant has none, though its number stands on the list, or anyone does', async () => {
    const world = new World();
    await world.deliver();
    await world.give('lrswipkxtea', reader);
    await world.give('lrswipkxtea', 0);
    for (const [name, meta] of everyAsk(world)) {
      const answer = await world.as(reader, name, meta, otherTenant);
      const isList = name === imapAsks.list || name === imapAsks.listMetadata;
      if (isList) assert.doesNotMatch(JSON.stringify(answer), /INBOX/, name);
      else assert.equal(answer.ok, false, name);
    }
    assert.equal(await world.codeOf(world.as(reader, imapAsks.open, [owner, 'INBOX'])), 'ok');
  });

  it('who may see it is told that it may not', async () => {
    const world = new World();
    await world.deliver();
    await world.give('l');
    const open = world.as(reader, imapAsks.open, [owner, 'INBOX']);
    assert.equal(await world.codeOf(open), 'permission-missing');
    const drafts = world.as(reader, imapAsks.open, [owner, 'Drafts']);
    assert.equal(await world.codeOf(drafts), 'not-found');
  });
});

describe('rights', () => {
  it('are what is given to the reader and to anyone, without what is taken', async () => {
    const world = new World();
    await world.deliver();
    await world.give('lr');
    await world.give('swi', 0);
    await world.give('w', reader, 'INBOX', true);
    await world.give('i', 0, 'INBOX', true);
    const mine = await world.as(reader, imapAsks.myRights, [owner, 'INBOX']);
    assert.equal(mine.ok && mine.value, rights.lookup | rights.read | rights.seen);
  });

  it('each lets through what it is for, and nothing else', async () => {
    const asks: readonly (readonly [letters: string, name: keyof typeof imapAsks])[] = [
      ['r', 'open'],
      ['r', 'search'],
      ['r', 'recentCount'],
      ['rs', 'recentTold'],
      ['i', 'append'],
      ['k', 'create'],
      ['e', 'expunge'],
      ['te', 'takeOut'],
      ['a', 'getAcl'],
      ['rw', 'store'],
      ['lw', 'setMetadata'],
    ];
    for (const [letters, key] of asks) {
      const world = new World();
      await world.deliver();
      const meta = everyAsk(world).get(imapAsks[key]);
      for (const without of letters) {
        await world.give(letters.replace(without, ''));
        assert.notEqual(await world.codeOf(world.as(reader, imapAsks[key], meta)), 'ok', key);
      }
      await world.give(letters);
      assert.equal(await world.codeOf(world.as(reader, imapAsks[key], meta)), 'ok', key);
    }
  });

  it('INBOX is renamed by those alone who may take its messages out: they end where others may read', async () => {
    const world = new World();
    await world.deliver();
    await world.value(imapAsks.create, [owner, 'Aa', '']);
    await world.give('lrk', reader, 'Aa');
    const rename = () => world.as(reader, imapAsks.rename, [owner, 'INBOX', 'Aa/Bb']);
    for (const letters of ['lx', 'lxte', 'lxr', 'lrte']) {
      await world.give(letters);
      assert.equal(await world.codeOf(rename()), 'permission-missing', letters);
    }
    assert.equal(world.reader.mailbox(account, 1)!.messages, 1);
    await world.give('lrxte');
    assert.equal(await world.codeOf(rename()), 'ok');
    assert.equal(world.reader.mailbox(account, 1)!.messages, 0);
  });

  it('of a new mailbox are those of the one it is made in, from then on its own', async () => {
    const world = new World();
    await world.deliver();
    await world.give('lrk');
    await world.as(reader, imapAsks.create, [owner, 'INBOX/Aa', '']);
    await world.give('');
    const { value } = await world.value<AclEntryValue[]>(imapAsks.getAcl, [owner, 'INBOX/Aa']);
    assert.deepEqual(value, [[reader, rightsOf('lrk')!, 0]]);
  });

  it('are kept for at most so many identifiers; at the bound those that are there may change', async () => {
    const world = new World();
    await world.deliver();
    for (let i = 0; i < aclEntriesMax; i++) assert.ok((await world.give('l', i + 2)).ok);
    assert.equal(await world.codeOf(world.give('l', 9_999)), 'not-possible-now');
    assert.ok((await world.give('lr', 2)).ok);
    assert.ok((await world.give('', 3)).ok);
    assert.ok((await world.give('l', 9_999)).ok);
  });

  it('a list that names somebody still, in any mailbox, says so', async () => {
    const world = new World();
    await world.deliver();
    await world.give('l');
    await world.give('l', reader, 'Drafts');
    const first = await world.give('');
    assert.equal(first.ok && first.value, true);
    const last = await world.give('', reader, 'Drafts');
    assert.equal(last.ok && last.value, false);
  });
});

describe('a message that is moved here from another account', () => {
  const moved = (uids: readonly number[], from = 7) => [9, from, uids] as const;
  const append = (world: World, uids: readonly number[], from?: number) => {
    const messages = uids.map(() => [0, [], 0, [1]]);
    const meta = [owner, 'INBOX', world.ids.next(), 1_000, messages, null, moved(uids, from)];
    return world.value<Appended>(imapAsks.append, meta, Buffer.from('x'.repeat(uids.length)));
  };

  it('is not put there again while it is there, with others or alone, from the same mailbox', async () => {
    const world = new World();
    const first = await append(world, [4, 5]);
    assert.deepEqual(first.value.uids, [1, 2]);
    assert.deepEqual((await append(world, [5])).value.uids, [2, 2]);
    // The n-th answer is of the n-th message.
    assert.deepEqual((await append(world, [6, 5, 7])).value.uids, [3, 3, 2, 2, 4, 4]);
    assert.deepEqual((await append(world, [4], 8)).value.uids, [5, 5]);
    assert.equal(world.reader.mailbox(account, 1)!.messages, 5);
  });

  it('is put there again once the first one is gone: its original would be lost', async () => {
    const world = new World();
    await append(world, [4]);
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    assert.deepEqual((await append(world, [4])).value.uids, [2, 2]);
    assert.deepEqual((await append(world, [4])).value.uids, [2, 2]);
  });

  it('is known for days, and two moves of it at once are one', async () => {
    const world = new World();
    const both = await Promise.all([append(world, [4]), append(world, [4])]);
    assert.deepEqual(
      both.map(({ value }) => value.uids),
      [
        [1, 1],
        [1, 1],
      ],
    );
    world.nowMs += 6 * dayMs;
    assert.deepEqual((await append(world, [4])).value.uids, [1, 1]);
    world.nowMs += 6 * dayMs;
    assert.deepEqual((await append(world, [4])).value.uids, [2, 2]);
  });
});

describe('a copy by a reader', () => {
  for (const [letters, wanted] of [
    ['lri', []],
    ['lrit', ['\\Deleted']],
    ['lriw', ['\\Flagged', 'Blue']],
    ['lritw', ['\\Deleted', '\\Flagged', 'Blue']],
  ] as const) {
    it(`brings along the flags that ${letters} lets it set`, async () => {
      const world = new World();
      await world.deliver();
      const flags = 0b0_1100;
      const store = [owner, world.now(), true, [1, 1], 'add', flags, ['Blue'], 0, 0, -1];
      await world.value(imapAsks.store, store);
      await world.give(letters);
      const copy = [owner, world.now(), true, [1, 1], 'INBOX', false, world.ids.next()];
      assert.equal(await world.codeOf(world.as(reader, imapAsks.copy, copy)), 'ok');
      const read = [owner, world.now(), true, [1, 9], 1];
      const { value } = await world.value<MessageRecord[]>(imapAsks.readMessages, read);
      const names = value.map(([, bits, keywords]) => [
        ...systemFlags.filter((_, bit) => (bits >> bit) & 1),
        ...keywords,
      ]);
      const sorted = names.map((one) => one.sort());
      assert.deepEqual(sorted, [['Blue', '\\Deleted', '\\Flagged'], [...wanted].sort()]);
    });
  }
});

it('a message that gets a new keyword while those before it are read is read with it', async () => {
  const world = new World();
  for (let i = 0; i < 131; i++) await world.deliver();
  const view = world.now();
  const { shard } = world;
  const read = shard.read.bind(shard);
  let isGiven = false;
  shard.read = async (...where) => {
    if (!isGiven) {
      isGiven = true;
      const store = [owner, view, true, [130, 130], 'add', 0, ['New'], view[1], 0, -1];
      await world.value(imapAsks.store, store);
    }
    return await read(...where);
  };
  const messages: MessageRecord[] = [];
  for (let from = 1; ; from = messages.at(-1)![0] + 1) {
    const meta = [owner, view, true, [1, 1, 130, 130], from];
    const { value } = await world.value<MessageRecord[]>(imapAsks.readMessages, meta);
    if (value.length === 0) break;
    messages.push(...value);
  }
  assert.deepEqual(
    messages.map(([uid, , keywords]) => [uid, keywords]),
    [
      [1, []],
      [130, ['New']],
    ],
  );
});

describe('a reader’s \\Seen', () => {
  for (const seed of [1, 2, 3]) {
    it(`is a set of its own, through any changes and replay (seed ${seed})`, async () => {
      const random = new SeededRandom(seed);
      const world = new World();
      for (let i = 0; i < 12; i++) await world.deliver();
      await world.give('lrsw');
      const seen = new Set<number>();
      for (let step = 0; step < 60; step++) {
        const uid = 1 + random.below(12);
        const view = world.now();
        const op = (['add', 'remove', 'replace'] as const)[random.below(3)]!;
        const flags = random.below(8);
        const store = [owner, view, true, [uid, uid], op, flags, [], 0, 0, -1];
        const isReader = random.below(3) > 0;
        const who = isReader ? reader : account;
        assert.ok((await world.as(who, imapAsks.store, store)).ok);
        const isThere = world.reader.messages(account, 1, uid, 1)[0]?.uid === uid;
        if (isReader && isThere) {
          if (op !== 'remove' && (flags & 1) !== 0) seen.add(uid);
          else if (op === 'replace' || (flags & 1) !== 0) seen.delete(uid);
        }
        if (step % 15 === 14) {
          await world.mailboxes.expunge(account, tenant, 1, [uid, uid]);
          seen.delete(uid);
        }
        await equals(world, seen);
      }
      const wanted = tableText(world.shard);
      const again = rebuilt(world.shard, (shard) => {
        for (const record of shard.records) shard.apply(record);
        for (const record of shard.records) shard.apply(record);
      });
      assert.deepEqual(tableText(again), wanted, `seed ${seed}`);
    });
  }

  // The shard is lost with the second append: what a kill between two would leave.
  it('of what the reader appends, copies and stores is on disk with it', async () => {
    const world = new World();
    await world.deliver();
    await world.give('lrswi');
    const isSeen = async (uid: number) => {
      const read = await world.as(reader, imapAsks.readMessages, [
        owner,
        world.now(),
        true,
        [uid, uid],
        1,
      ]);
      const [, flags] = (read.ok ? (read.value as readonly MessageRecord[]) : [])[0]!;
      return (flags & 1) !== 0;
    };
    const once = async (name: string, meta: unknown, body = 'x') => {
      world.shard.faults.push(undefined, 'lost');
      const answer = await world.carry(name, [reader, tenant, meta], Buffer.from(body));
      assert.equal(world.shard.faults.shift(), 'lost', name);
      assert.ok(answer.ok, name);
      return answer.value;
    };
    const messages = [[1, [], 0, [1]]];
    await once(imapAsks.append, [owner, 'INBOX', world.ids.next(), 1_000, messages, null]);
    assert.ok(await isSeen(2));
    const two = [
      [0, [], 0, [1]],
      [1, [], 0, [1]],
    ];
    await once(imapAsks.append, [owner, 'INBOX', world.ids.next(), 1_000, two, null], 'xy');
    assert.deepEqual([await isSeen(3), await isSeen(4)], [false, true]);
    await once(imapAsks.copy, [owner, world.now(), true, [2, 3], 'INBOX', false, world.ids.next()]);
    assert.deepEqual([await isSeen(5), await isSeen(6)], [true, false]);
    await once(imapAsks.store, [owner, world.now(), true, [1, 3], 'replace', 0b101, [], 0, 0, -1]);
    assert.deepEqual([await isSeen(1), await isSeen(3)], [true, true]);
    // The owner has seen none of them.
    const { value } = await world.value<MessageRecord[]>(imapAsks.readMessages, [
      owner,
      world.now(),
      true,
      [1, 9],
      1,
    ]);
    assert.deepEqual(
      value.map(([, flags]) => flags),
      [4, 4, 4, 0, 0, 0],
    );
  });

  it('a mailbox that is deleted leaves neither a list nor what readers have seen', async () => {
    const world = new World();
    const { value: mailbox } = await world.value<number>(imapAsks.create, [owner, 'Aa', '']);
    const append = [owner, 'Aa', world.ids.next(), 1_000, [[0, [], 0, [1]]], null];
    await world.value(imapAsks.append, append, Buffer.from('x'));
    await world.give('lrs', reader, 'Aa');
    const store = [owner, world.now(mailbox), true, [1, 1], 'add', 1, [], 0, 0, -1];
    assert.ok((await world.as(reader, imapAsks.store, store)).ok);
    const rowsOf = (table: string) => tableText(world.shard).filter((row) => row.startsWith(table));
    assert.deepEqual([rowsOf('43').length, rowsOf('5a').length], [1, 1]);
    await world.value(imapAsks.delete, [owner, 'Aa']);
    assert.deepEqual([...rowsOf('43'), ...rowsOf('5a')], []);
  });
});

/** What the reader is told against what it should have seen. */
async function equals(world: World, seen: ReadonlySet<number>): Promise<void> {
  const meta = [owner, world.now(), true, [1, 0xffff_fffe], 1];
  const read = await world.as(reader, imapAsks.readMessages, meta);
  assert.ok(read.ok);
  const messages = read.value as readonly MessageRecord[];
  const told = messages.filter(([, flags]) => (flags & 1) !== 0).map(([uid]) => uid);
  assert.deepEqual(
    told,
    [...seen].sort((a, b) => a - b),
  );
  const opened = await world.as(reader, imapAsks.open, [owner, 'INBOX']);
  assert.ok(opened.ok);
  const { unseen } = (opened.value as OpenedMailbox).info;
  assert.equal(unseen, messages.length - seen.size);
}
