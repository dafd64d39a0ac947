/**
 * Aim: a key that is missing stops no deletion and no shard, and an account whose key file was lost never passes for a
 *      clear one.
 * Method: mailboxes on a real shard over a disk and an index in memory, opened with vaults that lack the key.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../../../../src/adapters/memory/memory-disk.ts';
import { MemoryIndex } from '../../../../../src/adapters/memory/memory-index.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { silentLog } from '../../../../../src/base/log.ts';
import { shredLeftOver } from '../../../../../src/engine/key-handlers.ts';
import { readKeyFile } from '../../../../../src/engine/store/vault/key-file.ts';
import { KeyRing } from '../../../../../src/engine/store/vault/key-ring.ts';
import { Vault } from '../../../../../src/engine/store/vault/vault.ts';
import { type KeySource, KeySourceError } from '../../../../../src/ports/key-source.ts';
import {
  clearAccount,
  deliver,
  everything,
  openWorld,
  play,
  sealedAccount,
  tenant,
  vaultWith,
  wordsIn,
} from './vault-world.ts';

const noSource: KeySource = {
  wrap: () => Promise.reject(new KeySourceError('away')),
  unwrap: () => Promise.reject(new KeySourceError('away')),
};

function missing(): Vault {
  const vault = new Vault();
  vault.miss(sealedAccount);
  return vault;
}

function ringOf(disk: MemoryDisk, vault: Vault): KeyRing {
  const parts = { disk, folder: 'shard/keys', source: noSource, random: nodeRandom };
  return new KeyRing({ ...parts, log: silentLog, vault });
}

test('an account whose key is missing is deleted, its records replayed or not, and its shard goes on', async () => {
  for (const isIndexOld of [false, true]) {
    const disk = new MemoryDisk();
    const index = new MemoryIndex();
    const first = await openWorld(disk, index, vaultWith(sealedAccount));
    const old = index.copy();
    await play(first, sealedAccount);
    await play(first, clearAccount);
    await first.shard.close();
    const state = isIndexOld ? old : index;
    const vault = missing();
    const without = await openWorld(disk, state, vault);
    await without.mailboxes.deleteAccount(sealedAccount, tenant);
    assert.ok((await deliver(without.mailboxes, clearAccount, 'meanwhile')).ok);
    await without.shard.close();
    // A kill came before its key file was marked: the next opening finds the deletion and needs no key either.
    for (const from of [state.copy(), new MemoryIndex()]) {
      const again = missing();
      const { shard, mailboxes } = await openWorld(disk, from, again);
      assert.deepEqual(shard.status().damage, []);
      const keys = ringOf(disk, again);
      await shredLeftOver({ keys, store: shard, mailboxes });
      assert.equal(await readKeyFile(disk, 'shard/keys/00000007.key'), 'shredded');
      assert.equal(again.hasMissing, false);
      assert.ok((await deliver(mailboxes, clearAccount, 'after')).ok);
      await shard.close();
    }
  }
});

test('an account whose key file was lost answers nothing and takes nothing, and is whole when it is back', async () => {
  const disk = new MemoryDisk();
  const index = new MemoryIndex();
  const first = await openWorld(disk, index, vaultWith(sealedAccount));
  await play(first, sealedAccount);
  await play(first, clearAccount);
  await first.shard.compact();
  await first.shard.close();
  const filler = 'abcdefghi '.repeat(3_000);
  // Until no record of the account is replayed any more: nothing but its rows tells of it.
  for (let i = 0; i < 3; i++) {
    const world = await openWorld(disk, index, vaultWith(sealedAccount));
    for (let n = 0; n < 40; n++) await deliver(world.mailboxes, clearAccount, filler);
    await world.shard.compact();
    await world.shard.close();
  }
  for (const state of [index.copy(), new MemoryIndex()]) {
    const vault = new Vault();
    const { shard, mailboxes } = await openWorld(disk, state, vault);
    assert.equal(vault.goneOf(sealedAccount), 'missing');
    assert.equal(vault.isEncrypted(clearAccount), false);
    const refused = await deliver(mailboxes, sealedAccount, 'clear words');
    assert.ok(!refused.ok && refused.code === 'store-failed', 'deferred');
    assert.throws(() => mailboxes.reader.mailboxes(sealedAccount), { code: 'store-failed' });
    assert.ok((await deliver(mailboxes, clearAccount, 'meanwhile')).ok);
    await shard.close();
    assert.ok(!(await everything(disk, state)).includes('clear words'));
    const back = await openWorld(disk, state, vaultWith(sealedAccount));
    assert.equal(back.mailboxes.reader.messages(sealedAccount, 1, 1, 99).length, 1);
    await back.shard.close();
  }
  assert.ok(wordsIn(await everything(disk, index)).length > 0, 'the clear account shows its words');
});
