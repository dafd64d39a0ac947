/**
 * Aim: what is kept of flags never differs from the rows, and spares reading them.
 * Method: random changes of two mailboxes, with searches by flags between them, each compared with one that nothing is
 *      kept for; reads of rows are counted. The seed is in the test's name.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { searchWants } from '../../../../../src/actors/asks/imap-search-asks.ts';
import { DerivedMemory } from '../../../../../src/engine/mailbox/derived-memory.ts';
import { FlagBits } from '../../../../../src/engine/mailbox/imap/flag-bits.ts';
import { search } from '../../../../../src/engine/mailbox/imap/search.ts';
import { BlockColumns } from '../../../../../src/engine/mailbox/rows/block-columns.ts';
import { idsOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { tables, uidBlockKey } from '../../../../../src/engine/store/keys.ts';
import type { Criteria } from '../../../../../src/mail/wire/imap/search-keys.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

const archive = 6;
const all = [1, 100_000];

async function found(
  world: ImapWorld,
  mailbox: number,
  criteria: Criteria,
  isKept: boolean,
): Promise<readonly number[]> {
  const desk = isKept ? world.desk : Object.create(world.desk, { flagBits: { value: undefined } });
  const how = [searchWants.uids, 0, false, 0] as const;
  const packed = [account, world.now(mailbox), criteria, [], ...how] as const;
  const { value, body } = await search(desk, packed, 0);
  const ranges = new Uint32Array(Uint8Array.from(body).buffer);
  return [...idsOf(Array.from(ranges.subarray(0, value.uidsLength)))];
}

function criteriaOf(random: SeededRandom): Criteria {
  const flag = (): Criteria => ({ op: 'flag', bit: random.below(5), isSet: random.below(2) === 0 });
  switch (random.below(6)) {
    case 0:
      return { op: 'and', keys: [flag(), flag()] };
    case 1:
      return { op: 'or', left: flag(), right: { op: 'not', key: flag() } };
    case 2:
      return { op: 'and', keys: [flag(), { op: 'text', place: 'subject', text: 'odd' }] };
    case 3:
      return { op: 'and', keys: [flag(), { op: 'modseq', modseq: random.below(200) }] };
    default:
      return flag();
  }
}

async function change(world: ImapWorld, random: SeededRandom): Promise<void> {
  const { mailboxes } = world;
  const mailbox = random.below(3) === 0 ? archive : 1;
  const first = 1 + random.below(400);
  const uids = [first, first + random.below(random.below(4) === 0 ? 200 : 6)];
  switch (random.below(8)) {
    case 0:
      await world.deliver(messageBytes({ id: `${world.nowMs++}@x.test`, subject: 'odd' }));
      return;
    case 1:
      await mailboxes.expunge(account, tenant, mailbox, uids);
      return;
    case 2:
      await mailboxes.copy(account, tenant, { mailbox, uids }, archive, random.below(2) === 0);
      return;
    default: {
      const op = (['add', 'remove', 'replace'] as const)[random.below(3)]!;
      const flags = random.below(32);
      const store = { mailbox, uids, op, flags, keywords: random.below(9) === 0 ? ['word'] : [] };
      await mailboxes.storeFlags(account, tenant, store);
    }
  }
}

async function filled(count: number): Promise<ImapWorld> {
  const world = new ImapWorld();
  for (let i = 0; i < count; i++) {
    await world.deliver(messageBytes({ id: `${i}@x.test`, subject: i % 2 === 0 ? 'even' : 'odd' }));
  }
  return world;
}

describe('flags that are kept', () => {
  for (const seed of [1, 2, 3]) {
    it(`are as the rows are (seed ${seed})`, async () => {
      const random = new SeededRandom(seed);
      const world = await filled(300);
      for (let round = 0; round < 150; round++) {
        await change(world, random);
        const criteria = criteriaOf(random);
        for (const mailbox of [1, archive]) {
          const wanted = await found(world, mailbox, criteria, false);
          const text = `round ${round}, ${mailbox}: ${JSON.stringify(criteria)}`;
          assert.deepEqual(await found(world, mailbox, criteria, true), wanted, text);
        }
      }
    });
  }

  it('spare the rows of blocks that did not change', async () => {
    const world = await filled(300);
    const read: number[] = [];
    const { shard } = world;
    const peek = shard.peek.bind(shard);
    shard.peek = (key) => {
      if (key[0] === tables.uidBlock) read.push(key.at(-1)!);
      return peek(key);
    };
    const flagged: Criteria = { op: 'flag', bit: 2, isSet: true };
    const readBy = async () => {
      read.length = 0;
      await found(world, 1, flagged, true);
      return read.slice();
    };
    assert.deepEqual(await readBy(), [0, 1, 2]);
    assert.deepEqual(await readBy(), []);
    const store = { mailbox: 1, uids: [130, 131], op: 'add', flags: 4, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, store);
    assert.deepEqual(await readBy(), [1]);
    await world.mailboxes.expunge(account, tenant, 1, [3, 3]);
    assert.deepEqual(await readBy(), [0]);
    await world.mailboxes.expunge(account, tenant, 1, all);
    assert.deepEqual(await found(world, 1, { op: 'all' }, true), []);
  });

  it('are all forgotten where too much changed, or the mailbox went', async () => {
    const world = await filled(1);
    const parts = { shard: world.shard, reader: world.reader };
    const bits = new FlagBits(parts, new DerivedMemory());
    const flags = bits.of({ account, mailbox: 1 });
    const block = new BlockColumns().open(world.shard.get(uidBlockKey(account, 1, 0))!);
    flags.keep(0, block);
    assert.equal(bits.of({ account, mailbox: 1 }).open(0), true, 'nothing changed');
    for (let i = 0; i < 1_001; i++) {
      const op = i % 2 === 0 ? 'add' : 'remove';
      const store = { mailbox: 1, uids: [1, 1], op, flags: 1, keywords: [] } as const;
      await world.mailboxes.storeFlags(account, tenant, store);
    }
    assert.equal(bits.of({ account, mailbox: 1 }).open(0), false);
    flags.keep(0, block);
    await world.mailboxes.deleteAccount(account, tenant);
    flags.refresh();
    assert.equal(flags.open(0), false);
    bits.close();
  });
});
