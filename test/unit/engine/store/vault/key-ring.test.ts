/**
 * Aim: an account's keys are there after any cut of power, or were never told of; destroyed ones are on no disk; what a
 *      source cannot open now leaves its account aside, and nothing else.
 * Method: key rings over a disk that loses power on purpose, and a source whose tenant keys are in memory.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unwrapWith, wrapWith } from '../../../../../src/adapters/keys/wrapping.ts';
import { MemoryDisk } from '../../../../../src/adapters/memory/memory-disk.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { silentLog } from '../../../../../src/base/log.ts';
import { readKeyFile } from '../../../../../src/engine/store/vault/key-file.ts';
import { KeyRing } from '../../../../../src/engine/store/vault/key-ring.ts';
import { type DataKey, Vault } from '../../../../../src/engine/store/vault/vault.ts';
import type { Disk } from '../../../../../src/ports/disk.ts';
import { type KeySource, KeySourceError } from '../../../../../src/ports/key-source.ts';
import { seededChance } from '../../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../../simulation/simulated-disk.ts';

const folder = '/keys';
const path = `${folder}/00000007.key`;

/** Tenant keys by reference; all that was wrapped is noted. */
class Source implements KeySource {
  readonly keys = new Map([
    ['env:A', [Buffer.alloc(32, 1)]],
    ['env:B', [Buffer.alloc(32, 2)]],
  ]);
  readonly secrets: Buffer[] = [];
  readonly wrapped: string[] = [];

  async wrap(reference: string, context: string, secret: Uint8Array): Promise<Uint8Array> {
    this.secrets.push(Buffer.from(secret));
    const wrapped = wrapWith(this.#of(reference), context, secret);
    this.wrapped.push(wrapped.toString('base64'));
    return wrapped;
  }

  async unwrap(reference: string, context: string, wrapped: Uint8Array): Promise<Uint8Array> {
    return unwrapWith(this.#of(reference), context, wrapped);
  }

  #of(reference: string): Buffer[] {
    const keys = this.keys.get(reference);
    if (keys === undefined) throw new KeySourceError(`${reference} is away`);
    return keys;
  }
}

async function ringOn(disk: Disk, source: KeySource): Promise<{ ring: KeyRing; vault: Vault }> {
  const vault = new Vault();
  const ring = new KeyRing({ disk, folder, source, random: nodeRandom, log: silentLog, vault });
  await ring.load();
  return { ring, vault };
}

async function bytesOf(disk: Disk): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  try {
    return Buffer.from(await file.read(0, await file.size()));
  } finally {
    await file.close();
  }
}

function sameKey(one: DataKey | undefined, other: DataKey | undefined): boolean {
  return one !== undefined && other !== undefined && one.rows.equals(other.rows);
}

test('keys made, rotated and wrapped anew are the same after an opening; no clear one is on disk', async () => {
  const disk = new MemoryDisk();
  const source = new Source();
  const { ring, vault } = await ringOn(disk, source);
  await ring.create(7, 'env:A');
  await ring.create(7, 'env:A');
  const first = vault.newest(7);
  assert.equal(await ring.rotate(7), 2);
  assert.notEqual(sameKey(first, vault.newest(7)), true);
  await ring.rewrap(7, 'env:B');
  source.keys.delete('env:A');
  const again = await ringOn(disk, source);
  assert.ok(sameKey(again.vault.newest(7), vault.newest(7)));
  const old = again.vault.find({ account: 7, version: 1 });
  assert.ok(typeof old !== 'string' && sameKey(old, first));
  const bytes = await bytesOf(disk);
  for (const secret of source.secrets) {
    for (const form of ['latin1', 'base64', 'hex'] as const) {
      assert.ok(!bytes.includes(secret.toString(form), 0, 'latin1'));
    }
  }
  assert.ok(!bytes.includes(source.wrapped[0]!), 'what the old tenant key wrapped is destroyed');
  assert.ok(bytes.includes(source.wrapped.at(-1)!));
});

test('shredding leaves no wrapped key on disk, and is remembered', async () => {
  const disk = new MemoryDisk();
  const source = new Source();
  const { ring, vault } = await ringOn(disk, source);
  await ring.create(7, 'env:A');
  await ring.rotate(7);
  await ring.shred(7);
  await ring.shred(7);
  assert.equal(vault.goneOf(7), 'shredded');
  assert.ok((await bytesOf(disk)).every((byte) => byte === 0));
  const again = await ringOn(disk, source);
  assert.equal(again.vault.goneOf(7), 'shredded');
  await assert.rejects(again.ring.rotate(7), { code: 'not-possible-now' });
});

test('a missing tenant key or a damaged file leaves that account aside; it can still be shredded', async () => {
  const disk = new MemoryDisk();
  const source = new Source();
  const { ring } = await ringOn(disk, source);
  await ring.create(7, 'env:A');
  await ring.create(8, 'env:B');
  source.keys.delete('env:A');
  const without = await ringOn(disk, source);
  assert.equal(without.vault.goneOf(7), 'missing');
  assert.ok(without.vault.newest(8) !== undefined);
  assert.equal(without.vault.hasMissing, true);
  // The key is back, but records that were not applied without it are not: an opening does that.
  source.keys.set('env:A', [Buffer.alloc(32, 1)]);
  for (const change of [without.ring.rotate(7), without.ring.rewrap(7, 'env:B')]) {
    await assert.rejects(change, { code: 'not-possible-now' });
  }
  assert.equal(without.vault.goneOf(7), 'missing');
  source.keys.delete('env:A');
  const file = await disk.open(`${folder}/00000008.key`, 'write');
  await file.write(40, [Uint8Array.of(0xff, 0xff, 0xff)]);
  await file.close();
  const damaged = await ringOn(disk, source);
  assert.equal(damaged.vault.goneOf(8), 'missing');
  await damaged.ring.shred(7);
  assert.equal(await readKeyFile(disk, path), 'shredded');
  assert.equal(damaged.vault.goneOf(7), 'shredded');
  assert.equal(damaged.vault.hasMissing, true);
});

test('a file of one account does not open as that of another', async () => {
  const disk = new MemoryDisk();
  const source = new Source();
  const { ring } = await ringOn(disk, source);
  await ring.create(7, 'env:A');
  await disk.rename(path, `${folder}/00000009.key`);
  const { vault } = await ringOn(disk, source);
  assert.equal(vault.goneOf(9), 'missing');
});

test('power may be cut in the midst of any change: keys in use stay, shredded ones stay gone', async () => {
  const seed = 20_261;
  console.log(`seed ${seed}`);
  let cutShort = 0;
  for (let run = 0; run < 90; run++) {
    const disk = new SimulatedDisk(seededChance(seed + run));
    await disk.makeFolder(folder);
    await disk.syncFolder('/');
    const source = new Source();
    const { ring, vault } = await ringOn(disk, source);
    await ring.create(7, 'env:A');
    const keys = [vault.newest(7)];
    const change = run % 3;
    // The cut comes after so many writes and syncs of the change.
    let left = Math.floor(run / 3) % 6;
    const cut = () => (left-- > 0 ? undefined : ('io' as const));
    disk.plan = { onWrite: cut, onSync: cut };
    const changing =
      change === 0 ? ring.rotate(7) : change === 1 ? ring.rewrap(7, 'env:B') : ring.shred(7);
    const isChanged = await changing.then(
      () => true,
      () => false,
    );
    if (!isChanged) cutShort++;
    if (isChanged && change === 0) keys.push(vault.newest(7));
    const again = await ringOn(disk.cutPower(), source);
    const gone = again.vault.goneOf(7);
    if (change === 2) {
      if (isChanged) assert.equal(gone, 'shredded');
      continue;
    }
    assert.equal(gone, undefined, `run ${run}`);
    for (const [i, key] of keys.entries()) {
      const found = again.vault.find({ account: 7, version: i + 1 });
      assert.ok(typeof found !== 'string' && sameKey(found, key), `run ${run}, key ${i + 1}`);
    }
  }
  assert.ok(cutShort >= 20, `${cutShort} changes were cut short`);
});

test('power may be cut at any call that makes a key: it is whole, or was never there', async () => {
  const seed = 4_711;
  console.log(`seed ${seed}`);
  const seen = { whole: 0, absent: 0 };
  for (let run = 0; run < 200; run++) {
    const disk = new SimulatedDisk(seededChance(seed + run));
    await disk.makeFolder(folder);
    await disk.syncFolder('/');
    const source = new Source();
    const { ring } = await ringOn(disk, source);
    let left = run % 10;
    disk.plan = { onCall: () => left-- === 0 };
    const isMade = await ring.create(7, 'env:A').then(
      () => true,
      () => false,
    );
    const after = disk.cutPower();
    const { ring: next, vault } = await ringOn(after, source);
    if (vault.isEncrypted(7)) {
      assert.equal(vault.goneOf(7), undefined, `run ${run}`);
      seen.whole++;
    } else {
      assert.equal(isMade, false, `run ${run}: it was told of`);
      await next.create(7, 'env:B');
      seen.absent++;
    }
    const last = await ringOn(after, source);
    assert.equal(last.vault.goneOf(7), undefined, `run ${run}`);
    assert.equal(typeof last.vault.newest(7), 'object');
  }
  assert.ok(seen.whole > 20 && seen.absent > 20, JSON.stringify(seen));
});

test('an account has room for some thirty data keys; one more is refused, and changes nothing', async () => {
  const disk = new MemoryDisk();
  const source = new Source();
  const { ring, vault } = await ringOn(disk, source);
  await ring.create(7, 'env:A');
  let refused: unknown;
  for (let made = 0; made < 60 && refused === undefined; made++) {
    await ring.rotate(7).catch((error: unknown) => {
      refused = error;
    });
  }
  assert.equal((refused as { code?: string }).code, 'not-possible-now');
  const { version } = vault.newest(7)!;
  assert.ok(version >= 25 && version <= 35, `${version} keys`);
  const again = await ringOn(disk, source);
  assert.equal(again.vault.newest(7)!.version, version);
});
