/**
 * Aim:    annotations are kept whole whatever their size, for their reader alone where they are private, within bounds,
 *         and are the same after any replay.
 * Method: asks on a shard in memory; tables compared byte by byte.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type FoundMetadata,
  imapAsks,
  type MetadataValue,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { annotatedDraft } from '../../../../../src/engine/mailbox/annotation-records.ts';
import { changedEntries, getMetadata } from '../../../../../src/engine/mailbox/imap/metadata.ts';
import {
  decodeEntryChanges,
  encodeEntryChanges,
} from '../../../../../src/engine/mailbox/rows/annotation-row.ts';
import { rightsOf } from '../../../../../src/mail/wire/imap/rights.ts';
import { account, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

const limits = [5, 10_000] as const;
/** Of a row. */
const partBytes = 1_800;

class World extends ImapWorld {
  set(values: readonly MetadataValue[], path = 'INBOX', bounds: readonly number[] = limits) {
    return this.ask(imapAsks.setMetadata, [owner, path, values, bounds]);
  }

  async get(entries: readonly string[], path = 'INBOX'): Promise<FoundMetadata['values']> {
    const meta = [owner, path, entries, -1, 0];
    return (await this.value<FoundMetadata>(imapAsks.getMetadata, meta)).value.values;
  }
}

const bytes = (count: number) => Buffer.alloc(count, 'x');

describe('annotations', () => {
  for (const count of [0, 1, partBytes, partBytes + 1, 5 * partBytes]) {
    it(`a value of ${count} octets comes back, and a shorter one leaves nothing of it`, async () => {
      const world = new World();
      await world.set([['/private/a', bytes(count)]]);
      const [found] = await world.get(['/private/a']);
      assert.deepEqual(Buffer.from(found![1]!), bytes(count));
      await world.set([['/private/a', Buffer.from('new')]]);
      assert.equal(String((await world.get(['/private/a']))[0]![1]), 'new');
      await world.set([['/private/a', null]]);
      assert.deepEqual(await world.get(['/private/a']), [['/private/a', null]]);
    });
  }

  it('an entry does not bring along those whose names it begins', async () => {
    const world = new World();
    await world.set([
      ['/private/a', Buffer.from('1')],
      ['/private/ab', Buffer.from('2')],
    ]);
    await world.set([['/private/a', null]]);
    const values = await world.get(['/private/a', '/private/ab']);
    assert.deepEqual(
      values.map(([, value]) => value && String(value)),
      [null, '2'],
    );
  });

  it('entries and bytes are bounded; at the bound what is there may change and go', async () => {
    const world = new World();
    const entries = (first: number, count: number, size: number): MetadataValue[] =>
      Array.from({ length: count }, (_, i) => [`/private/a${first + i}`, bytes(size)]);
    assert.ok((await world.set(entries(0, 5, 10))).ok);
    const tooMany = await world.set(entries(5, 1, 10));
    assert.equal(!tooMany.ok && tooMany.code, 'not-possible-now');
    assert.ok((await world.set([['/shared/a', bytes(1)]])).ok, 'shared ones are counted apart');
    assert.ok((await world.set(entries(0, 5, 20))).ok);
    assert.ok((await world.set(entries(0, 1, 5), 'INBOX', [3, 10_000])).ok, 'fewer may be allowed');
    const tooLarge = await world.set(entries(0, 1, 9_950), 'Drafts');
    assert.equal(!tooLarge.ok && tooLarge.code, 'account-over-quota');
    assert.ok((await world.set([['/private/a1', null]], 'INBOX', [3, 1])).ok);
  });

  it('what another reader keeps takes nothing of the owner’s room, and has a bound of its own', async () => {
    const world = new World();
    await world.deliver();
    const [reader, other] = [2, 3];
    for (const one of [reader, other]) {
      const set = [one, false, 'replace', rightsOf('lrw')!];
      await world.value(imapAsks.setAcl, [owner, 'INBOX', set]);
    }
    const as = (who: number, entry: string, count: number) => {
      const meta = [owner, 'INBOX', [[entry, bytes(count)]], limits];
      return world.carry(imapAsks.setMetadata, [who, tenant, meta]);
    };
    assert.ok((await as(reader, '/private/a', 9_000)).ok);
    const past = await as(reader, '/private/b', 1_001);
    assert.equal(!past.ok && past.code, 'account-over-quota');
    assert.ok((await as(other, '/private/a', 9_000)).ok);
    assert.ok((await world.set([['/private/a', bytes(6_000)]])).ok);
    const shared = await as(other, '/shared/a', 4_001);
    assert.equal(!shared.ok && shared.code, 'account-over-quota', 'shared ones take the owner’s');
    assert.ok((await as(other, '/shared/a', 4_000)).ok);
    assert.equal((await world.set([['/private/b', bytes(1)]])).ok, false);
  });

  it('a command past a bound changes nothing', async () => {
    const world = new World();
    const values: MetadataValue[] = Array.from({ length: 6 }, (_, i) => [
      `/private/a${i}`,
      bytes(1),
    ]);
    const before = tableText(world.shard).length;
    await world.get(['/private/a0']);
    const made = tableText(world.shard);
    assert.notEqual(made.length, before, 'the account was made');
    assert.equal((await world.set(values)).ok, false);
    assert.deepEqual(tableText(world.shard), made);
  });

  it('names of what changed are told from a modseq on, and a deleted mailbox leaves none', async () => {
    const world = new World();
    await world.set([['/private/a', bytes(1)]]);
    const { highestModseq } = world.reader.mailbox(account, 1)!;
    await world.set([['/shared/b', bytes(1)]]);
    const place = { account, mailbox: 1, reader: account };
    assert.deepEqual(changedEntries(world.desk, place, highestModseq), ['/shared/b']);
    assert.deepEqual(changedEntries(world.desk, place, 0), ['/private/a', '/shared/b']);
    assert.deepEqual(changedEntries(world.desk, { ...place, reader: 9 }, 0), ['/shared/b']);
    const { value: number } = await world.value<number>(imapAsks.create, [owner, 'Aa', '']);
    await world.set([['/private/a', bytes(1)]], 'Aa');
    await world.value(imapAsks.delete, [owner, 'Aa']);
    const gone = { account, mailbox: number, reader: account };
    assert.deepEqual(changedEntries(world.desk, gone, 0), []);
    const wanted = { entries: ['/private'], bytesMax: -1, depth: 'infinity' } as const;
    assert.deepEqual(getMetadata(world.desk, gone, wanted).values, []);
  });

  it('the row of names stays small: the oldest go', () => {
    const changes = Array.from({ length: 500 }, (_, i) => ({
      ...{ modseq: i + 1, reader: 0, entry: `/shared/entry/with/a/long/name/${i}` },
    }));
    const packed = encodeEntryChanges(changes);
    assert.ok(packed.byteLength <= partBytes);
    const kept = decodeEntryChanges(packed);
    assert.deepEqual(kept, changes.slice(-kept.length));
    assert.ok(kept.length > 10);
  });

  it('replayed twice, and over rows that are newer, the records give the same table', async () => {
    const world = new World();
    await world.set([['/private/a', bytes(2_000)]]);
    await world.set([['/shared/a', bytes(10)]]);
    await world.set([['/private/a', Buffer.from('now')]]);
    await world.set([['/private/comment', Buffer.from('of the server')]], '');
    const wanted = tableText(world.shard);
    const again = rebuilt(world.shard, (shard) => {
      for (const record of shard.records) shard.apply(record);
      for (const record of shard.records) shard.apply(record);
    });
    assert.deepEqual(tableText(again), wanted);
  });

  it('a record of a mailbox that is gone changes nothing', async () => {
    const world = new World();
    await world.deliver();
    const before = tableText(world.shard);
    const record = { account, modseq: 99, mailbox: 77, reader: account, values: [] };
    await world.shard.append([annotatedDraft(tenant, record)]);
    assert.deepEqual(tableText(world.shard), before);
  });
});
