/**
 * Aim: of an encrypted account no byte on disk shows a word, all of it is there again after a kill from any state of
 *      the index, and nothing of it can be read without its key.
 * Method: mailboxes on a real shard over a disk and an index in memory, of which every byte is looked through; the same
 *         look at an account that is clear finds the words.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../../../../src/adapters/memory/memory-disk.ts';
import { MemoryIndex } from '../../../../../src/adapters/memory/memory-index.ts';
import { accountRange, accountTables, tables } from '../../../../../src/engine/store/keys.ts';
import { Vault } from '../../../../../src/engine/store/vault/vault.ts';
import {
  clearAccount,
  deliver,
  everything,
  keyOf,
  type OpenWorld,
  openWorld,
  play,
  sealedAccount,
  tenant,
  vaultWith,
  words,
  wordsIn,
} from './vault-world.ts';

async function shown({ mailboxes }: OpenWorld, account: number): Promise<string> {
  const { reader } = mailboxes;
  const texts: string[] = [JSON.stringify(reader.mailboxes(account))];
  for (const { mailbox } of reader.mailboxes(account)) {
    for (const { uid, document } of reader.messages(account, mailbox, 1, 99)) {
      const row = reader.document(account, document)!;
      const bytes = Buffer.from(await reader.bytes(row));
      texts.push(`${mailbox} ${uid} ${bytes.toString('latin1')}`);
    }
  }
  return texts.join('\n');
}

/** Rows as the accounts' owners read them, but for places of bodies: each opening copies the journal's end. */
function rowsOf({ shard }: OpenWorld): string[] {
  const rows: string[] = [];
  for (const account of [sealedAccount, clearAccount]) {
    for (const table of accountTables) {
      if (table === tables.document) continue;
      const { from, to } = accountRange(table, account);
      shard.each(from, to, (key, value) => {
        rows.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
        return true;
      });
    }
  }
  assert.ok(rows.length > 30, 'there are rows to compare');
  return rows;
}

test('no word of an encrypted account stands on disk or in the index; of a clear one they do', async () => {
  for (const [account, wanted] of [
    [sealedAccount, []],
    [clearAccount, Object.values(words)],
  ] as const) {
    const disk = new MemoryDisk();
    const index = new MemoryIndex();
    const world = await openWorld(disk, index, vaultWith(sealedAccount));
    await play(world, account);
    await world.shard.compact();
    await world.shard.close();
    assert.deepEqual(wordsIn(await everything(disk, index)), wanted);
  }
});

test('an encrypted account is there again after a kill, from any state of the index', async () => {
  const disk = new MemoryDisk();
  const index = new MemoryIndex();
  const states = [index.copy()];
  const first = await openWorld(disk, index, vaultWith(sealedAccount));
  await play(first, sealedAccount);
  states.push(index.copy());
  await play({ ...first }, clearAccount);
  await deliver(first.mailboxes, sealedAccount, 'more');
  states.push(index.copy());
  const wanted = [await shown(first, sealedAccount), await shown(first, clearAccount)];
  assert.match(wanted[0]!, /quodlibet/);
  await first.shard.close();
  const rows = rowsOf(await openWorld(disk, index.copy(), vaultWith(sealedAccount)));
  for (const state of [...states, new MemoryIndex(), index.copy()]) {
    const again = await openWorld(disk, state, vaultWith(sealedAccount));
    assert.deepEqual(again.shard.status().damage, []);
    assert.deepEqual([await shown(again, sealedAccount), await shown(again, clearAccount)], wanted);
    assert.deepEqual(rowsOf(again), rows, 'replayed rows are those that were kept');
    await again.shard.close();
  }
});

test('a checkpoint brings sealed rows back when the index is gone', async () => {
  const disk = new MemoryDisk();
  const first = await openWorld(disk, new MemoryIndex(), vaultWith(sealedAccount));
  await play(first, sealedAccount);
  await first.shard.compact();
  await deliver(first.mailboxes, sealedAccount, 'after the checkpoint');
  const wanted = await shown(first, sealedAccount);
  await first.shard.close();
  const index = new MemoryIndex();
  const again = await openWorld(disk, index, vaultWith(sealedAccount));
  assert.equal(await shown(again, sealedAccount), wanted);
  await again.shard.close();
  assert.deepEqual(wordsIn(await everything(disk, index)), []);
});

test('compaction moves sealed bodies, and seals them with the newest key', async () => {
  const disk = new MemoryDisk();
  const index = new MemoryIndex();
  const first = await openWorld(disk, index, vaultWith(sealedAccount), 6_000);
  for (let i = 0; i < 30; i++) await deliver(first.mailboxes, sealedAccount, `text ${i}`);
  const spared = [7, 7] as const;
  await first.mailboxes.expunge(sealedAccount, tenant, 1, [1, 6]);
  await first.mailboxes.expunge(sealedAccount, tenant, 1, [8, 20]);
  const before = await shown(first, sealedAccount);
  await first.shard.close();
  const rotated = new Vault();
  rotated.admit(sealedAccount, [keyOf(sealedAccount), keyOf(sealedAccount, 2)]);
  const again = await openWorld(disk, index, rotated, 6_000);
  await again.shard.compact();
  await again.shard.compact();
  assert.equal(await shown(again, sealedAccount), before);
  assert.match(before, new RegExp(`1 ${spared[0]} [^]*text 6\r\n`));
  await again.shard.close();
  const last = await openWorld(disk, new MemoryIndex(), rotated, 6_000);
  assert.equal(await shown(last, sealedAccount), before);
  await last.shard.close();
});

test('parts of a body and bodies that lie near each other are opened', async () => {
  const disk = new MemoryDisk();
  const world = await openWorld(disk, new MemoryIndex(), vaultWith(sealedAccount));
  const text = 'abcdefghij'.repeat(700);
  for (const account of [sealedAccount, clearAccount, sealedAccount]) {
    await deliver(world.mailboxes, account, text);
  }
  const { reader } = world.mailboxes;
  const places = [
    reader.document(sealedAccount, 1)!.place,
    reader.document(clearAccount, 1)!.place,
    reader.document(sealedAccount, 2)!.place,
  ];
  const near = await world.shard.readNear(places, 5_000);
  const nearNow = world.shard.readNearNow(places, 5_000, new Uint8Array(100_000));
  for (const [i, place] of places.entries()) {
    const whole = Buffer.from(await world.shard.read(place));
    assert.match(whole.toString(), /(abcdefghij){700}/);
    for (const [from, length] of [
      [0, 1],
      [1, 16],
      [15, 17],
      [1_000, 3_333],
      [16, 4_096],
    ] as const) {
      const wanted = whole.subarray(from, from + length);
      assert.deepEqual(Buffer.from(await world.shard.read(place, from, length)), wanted);
      assert.deepEqual(Buffer.from(world.shard.readNow(place, from, length)!), wanted);
    }
    assert.deepEqual(Buffer.from(world.shard.readNow(place)!), whole);
    assert.deepEqual(Buffer.from(near[i]!), whole.subarray(0, 5_000));
    assert.deepEqual(Buffer.from(nearNow![i]!), whole.subarray(0, 5_000));
  }
  await world.shard.close();
});

test('without its key an account answers nothing and takes nothing, and is whole when the key is back', async () => {
  const disk = new MemoryDisk();
  const index = new MemoryIndex();
  const first = await openWorld(disk, index, vaultWith(sealedAccount));
  await play(first, sealedAccount);
  const old = index.copy();
  await play(first, clearAccount);
  await deliver(first.mailboxes, sealedAccount, 'more');
  const wanted = [await shown(first, sealedAccount), await shown(first, clearAccount)];
  await first.shard.close();
  for (const state of [old, new MemoryIndex(), index.copy()]) {
    const vault = new Vault();
    vault.miss(sealedAccount);
    const without = await openWorld(disk, state, vault);
    assert.equal(without.shard.status().readOnlyReason, undefined);
    assert.throws(() => without.mailboxes.reader.mailboxes(sealedAccount), {
      code: 'store-failed',
    });
    const refused = await deliver(without.mailboxes, sealedAccount);
    assert.ok(!refused.ok && refused.code === 'store-failed', 'deferred, and not lost');
    assert.equal(await shown(without, clearAccount), wanted[1]);
    assert.equal((await deliver(without.mailboxes, clearAccount, 'meanwhile')).ok, true);
    await without.shard.compact();
    await without.shard.close();
    const again = await openWorld(disk, state, vaultWith(sealedAccount));
    assert.equal(await shown(again, sealedAccount), wanted[0]);
    wanted[1] = await shown(again, clearAccount);
    await again.shard.close();
  }
});

test('an account whose key was shredded is gone, and the shard goes on', async () => {
  const disk = new MemoryDisk();
  const index = new MemoryIndex();
  const vault = vaultWith(sealedAccount);
  const first = await openWorld(disk, index, vault);
  await play(first, sealedAccount);
  await play(first, clearAccount);
  const wanted = await shown(first, clearAccount);
  await first.mailboxes.deleteAccount(sealedAccount, tenant);
  vault.shred(sealedAccount);
  await first.shard.compact();
  await first.shard.close();
  for (const state of [index.copy(), new MemoryIndex()]) {
    const shredded = new Vault();
    shredded.shred(sealedAccount);
    const again = await openWorld(disk, state, shredded);
    assert.deepEqual(again.shard.status().damage, []);
    assert.deepEqual(again.mailboxes.reader.mailboxes(sealedAccount), []);
    const refused = await deliver(again.mailboxes, sealedAccount);
    assert.ok(!refused.ok && refused.code === 'account-missing');
    assert.equal(await shown(again, clearAccount), wanted);
    await again.shard.close();
  }
});
