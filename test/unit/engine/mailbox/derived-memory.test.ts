/**
 * Aim: what all shards of a thread keep together stays within one limit, and what was not used longest goes first.
 * Method: maps and real views on one memory, at its limit and past it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DerivedMap, DerivedMemory } from '../../../../src/engine/mailbox/derived-memory.ts';
import { Views } from '../../../../src/engine/mailbox/imap/views.ts';
import { account, MailboxWorld, tenant } from './mailbox-world.ts';

/** What one entry of so many bytes takes. */
function sizeOf(bytes: number): number {
  const memory = new DerivedMemory();
  new DerivedMap<string>(memory).set('one', '', bytes);
  return memory.bytes;
}

const held = (map: DerivedMap<string>, ...keys: readonly string[]) =>
  keys.filter((key) => map.has(key)).join('');

describe('what is kept of rows', () => {
  it('goes by its last use, whichever shard it is of', () => {
    const memory = new DerivedMemory(4 * sizeOf(1_000));
    const [these, those] = [new DerivedMap<string>(memory), new DerivedMap<string>(memory)];
    these.set('a', '', 1_000);
    those.set('b', '', 1_000);
    these.set('c', '', 1_000);
    those.set('d', '', 1_000);
    assert.deepEqual([held(these, 'a', 'c'), held(those, 'b', 'd')], ['ac', 'bd']);
    assert.equal(memory.bytes, 4 * sizeOf(1_000), 'it is full, and nothing went');
    these.get('a');
    those.set('e', '', 1_000);
    assert.deepEqual([held(these, 'a', 'c'), held(those, 'b', 'd', 'e')], ['ac', 'de']);
    assert.equal(memory.bytes, 4 * sizeOf(1_000));
  });

  it('is counted anew when it grows, and is not kept when it is larger than all', () => {
    const memory = new DerivedMemory(sizeOf(1_000) + sizeOf(2_000));
    const map = new DerivedMap<string>(memory);
    map.set('a', 'small', 1_000);
    map.set('b', '', 1_000);
    map.set('b', 'grown', 2_000);
    assert.deepEqual([map.get('a'), map.get('b')], ['small', 'grown']);
    assert.equal(memory.bytes, sizeOf(1_000) + sizeOf(2_000));
    map.set('b', 'vast', 1_000_000);
    assert.deepEqual([map.get('a'), map.get('b')], ['small', undefined], 'nothing went for it');
    assert.equal(memory.bytes, sizeOf(1_000));
  });

  it('leaves with its shard, and what still runs there keeps nothing', () => {
    const memory = new DerivedMemory();
    const [these, those] = [new DerivedMap<string>(memory), new DerivedMap<string>(memory)];
    these.set('a', '', 1_000);
    those.set('b', '', 1_000);
    these.close();
    these.set('c', '', 1_000);
    assert.deepEqual([held(these, 'a', 'c'), held(those, 'b')], ['', 'b']);
    assert.equal(memory.bytes, sizeOf(1_000));
  });
});

describe('views of two shards', () => {
  it('share the limit: those of the one that is asked stay', async () => {
    const worlds = [new MailboxWorld(), new MailboxWorld()];
    for (const world of worlds) for (let i = 0; i < 5; i++) await world.deliver();
    const wanted = (world: MailboxWorld) => {
      const { highestModseq: modseq, uidNext } = world.reader.mailbox(account, 1)!;
      return { account, mailbox: 1, modseq, uidNext };
    };
    const sizes = new DerivedMemory();
    await new Views(worlds[0]!.shard, sizes).view(wanted(worlds[0]!));
    const memory = new DerivedMemory(2 * sizes.bytes - 1);
    const views = worlds.map(({ shard }) => new Views(shard, memory));
    const first = await views[0]!.view(wanted(worlds[0]!));
    assert.equal(await views[0]!.view(wanted(worlds[0]!)), first);
    const second = await views[1]!.view(wanted(worlds[1]!));
    assert.equal(await views[1]!.view(wanted(worlds[1]!)), second);
    const anew = await views[0]!.view(wanted(worlds[0]!));
    assert.notEqual(anew, first, 'there was room for one');
    assert.equal(anew.count, first.count);
  });

  it('of one state under many modseqs are counted once', async () => {
    const world = new MailboxWorld();
    for (let i = 0; i < 300; i++) await world.deliver();
    const memory = new DerivedMemory();
    const views = new Views(world.shard, memory);
    const view = async () => {
      const { highestModseq: modseq, uidNext } = world.reader.mailbox(account, 1)!;
      return views.view({ account, mailbox: 1, modseq, uidNext });
    };
    const one = await view();
    const before = memory.bytes;
    const flagged = { mailbox: 1, uids: [1, 1], op: 'add', flags: 1, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, flagged);
    const other = await view();
    assert.equal(other.bits, one.bits);
    assert.ok(memory.bytes - before < one.bytes + 200, `${memory.bytes - before} bytes more`);
  });
});
