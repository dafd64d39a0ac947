/**
 * Aim: a path is found without reading the rows of all mailboxes, and what is found is what the rows say.
 * Method: a random tree against names read from the rows; rows counted in an account of 5,000 mailboxes.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ImapList,
  imapAsks,
  type OpenedMailbox,
} from '../../../../src/actors/asks/imap-asks.ts';
import { MailError } from '../../../../src/base/errors.ts';
import { DerivedMemory } from '../../../../src/engine/mailbox/derived-memory.ts';
import { type AccountNames, MailboxNames } from '../../../../src/engine/mailbox/names.ts';
import { MailboxTree } from '../../../../src/engine/mailbox/tree.ts';
import type { IndexRange } from '../../../../src/ports/shard-index.ts';
import { FakeShard } from '../../../support/fake-shard.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';
import { ImapWorld, owner as packedOwner } from './imap/imap-world.ts';
import { account, MailboxWorld, tenant } from './mailbox-world.ts';

const owner = { account, tenant };

/** As the rows say, read by nobody before. */
function anew(shard: FakeShard): AccountNames {
  const names = new MailboxNames(new DerivedMemory());
  names.attach(shard);
  return names.of(account);
}

function described(names: AccountNames): string[] {
  return Array.from(names.shown(), ({ mailbox, role }) => {
    const path = names.path(mailbox);
    assert.equal(names.find(path), mailbox, path);
    return `${mailbox} ${path} ${role} ${[...names.children(mailbox)].sort()}`;
  });
}

/** Refused is as good as done. */
async function tried(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof MailError)) throw error;
  });
}

describe('names of mailboxes', () => {
  it('are found where two exchanged theirs before anybody looked', async () => {
    const world = new MailboxWorld();
    const tree = new MailboxTree(world.mailboxes, world.shard);
    await world.deliver();
    await tree.create(owner, 'A');
    await tree.create(owner, 'B');
    const names = new MailboxNames(new DerivedMemory());
    names.attach(world.shard);
    const [a, b] = [names.of(account).find('A'), names.of(account).find('B')];
    await tree.rename(owner, 'A', 'C');
    await tree.rename(owner, 'B', 'A');
    await tree.rename(owner, 'C', 'B');
    for (const mailbox of [a, b]) names.changed(account, mailbox);
    assert.deepEqual([names.of(account).find('B'), names.of(account).find('A')], [a, b]);
  });

  it('are those of the rows, whatever was made, renamed and deleted', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    const random = new SeededRandom(seed);
    const world = new MailboxWorld();
    const tree = new MailboxTree(world.mailboxes, world.shard);
    await world.deliver();
    const path = () =>
      Array.from({ length: 1 + random.below(3) }, () => 'ABC'[random.below(3)]).join('/');
    for (let step = 0; step < 300; step++) {
      const work = [
        () => tree.create(owner, path()),
        () => tree.rename(owner, path(), path()),
        () => tree.delete(owner, path()),
      ][random.below(3)]!;
      const all = [tried(work())];
      // Two decisions at once.
      if (random.below(4) === 0) all.push(tried(tree.create(owner, path())));
      await Promise.all(all);
      const now = described(world.mailboxes.names.of(account));
      assert.deepEqual(now, described(anew(world.shard)), `seed ${seed} step ${step}`);
    }
    assert.ok(described(anew(world.shard)).length > 6, `seed ${seed}: the tree is not empty`);
  });

  it('are gone with the account', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    assert.equal(world.mailboxes.names.of(account).find('INBOX'), 1);
    await world.mailboxes.deleteAccount(account, tenant);
    assert.equal(world.mailboxes.names.of(account).find('INBOX'), 0);
  });

  it('are read anew where there was no room to keep them', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    const names = new MailboxNames(new DerivedMemory(1_000));
    names.attach(world.shard);
    assert.equal(names.of(account).find('Sent'), 3);
    assert.notEqual(names.of(account), names.of(account));
    assert.equal(names.of(account).find('Sent'), 3);
  });
});

class CountedShard {
  rows = 0;

  constructor(shard: FakeShard) {
    shard.get = (key: Uint8Array) => {
      this.rows++;
      return FakeShard.prototype.get.call(shard, key);
    };
    shard.range = (range: IndexRange) => {
      const found = FakeShard.prototype.range.call(shard, range);
      this.rows += found.length;
      return found;
    };
  }

  async of(work: () => Promise<unknown>): Promise<number> {
    this.rows = 0;
    await work();
    return this.rows;
  }
}

describe('an account of 5,000 mailboxes', () => {
  const count = 5_000;
  const few = 40;

  it('has few rows read for SELECT, STATUS and LIST of one, also after another was made', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const { tree } = world.desk;
    await tree.create(owner, 'Top/0');
    const { mailbox: parent } = tree.get(account, 'Top');
    const made: Promise<unknown>[] = [];
    for (let i = 1; i < count; i++) {
      made.push(world.mailboxes.createMailbox(account, tenant, { name: `${i}`, parent, role: '' }));
    }
    await Promise.all(made);
    const counted = new CountedShard(world.shard);
    const open = (path: string) => world.value<OpenedMailbox>(imapAsks.open, [packedOwner, path]);
    await open('Top/4321');
    const opened = await counted.of(async () => {
      assert.equal((await open('Top/4321')).value.info.name, '4321');
    });
    assert.ok(opened <= few, `${opened} rows for SELECT and STATUS`);
    const listed = await counted.of(async () => {
      const asked = [packedOwner, ['Top/77', 'Top', 'None']];
      const { value } = await world.value<ImapList>(imapAsks.listNamed, asked);
      assert.deepEqual(value.mailboxes.map(({ name }) => name).sort(), ['0', '77', 'Top']);
    });
    assert.ok(listed <= few, `${listed} rows for LIST`);
    const created = await counted.of(() => tree.create(owner, 'Top/another'));
    assert.ok(created <= few, `${created} rows for CREATE`);
    const after = await counted.of(() => open('Top/another'));
    assert.ok(after <= few, `${after} rows after CREATE`);
  });
});
