/**
 * What every disk must do (src/ports/disk.ts). Durability is not seen from here: test/simulation
 * does that.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { type Disk, DiskError, type DiskFault } from '../../src/ports/disk.ts';

export interface DiskUnderTest extends AsyncDisposable {
  readonly disk: Disk;
  /** An existing folder. */
  readonly root: string;
}

export function diskContract(name: string, make: () => Promise<DiskUnderTest>): void {
  const say = (statement: string) => `${name}: ${statement}`;

  test(say('what was written in parts is read back as one'), async () => {
    await using under = await make();
    const file = await under.disk.open(`${under.root}/a`, 'create');
    await file.write(0, [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')]);
    await file.write(7, [Buffer.from(' three')]);
    await file.sync();
    assert.equal(text(await file.read(0, 100)), 'one two three');
    assert.equal(text(await file.read(4, 3)), 'two');
    assert.equal((await file.read(13, 10)).byteLength, 0);
    assert.equal(await file.size(), 13);
    await file.close();
  });

  test(say('a write of more parts than one system call takes is whole'), async () => {
    await using under = await make();
    const file = await under.disk.open(`${under.root}/a`, 'create');
    const parts = Array.from({ length: 3_000 }, (_, i) => Buffer.from([i % 251]));
    await file.write(0, parts);
    assert.deepEqual(Buffer.from(await file.read(0, 4_000)), Buffer.concat(parts));
    await file.close();
  });

  test(
    say('the same is read at once, into bytes of the reader, as far as the file goes'),
    async () => {
      await using under = await make();
      const file = await under.disk.open(`${under.root}/a`, 'create');
      await file.write(0, [Buffer.from('one two')]);
      const into = Buffer.from('..........');
      assert.equal(file.readNow(4, into.subarray(1, 3)), 2);
      assert.equal(text(into), '.tw.......');
      assert.equal(file.readNow(4, into), 3);
      assert.equal(text(into), 'two.......');
      assert.equal(file.readNow(7, into), 0);
      assert.equal(file.readNow(100, into), 0);
      await file.close();
    },
  );

  test(say('bytes anywhere in a long file are found again, by either way of reading'), async () => {
    await using under = await make();
    const file = await under.disk.open(`${under.root}/a`, 'create');
    const all = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));
    for (let at = 0; at < all.length; at += 33_333) {
      await file.write(at, [all.subarray(at, at + 33_333)]);
    }
    for (const [from, to] of [
      ...[[0, 65_536] as const, [65_535, 65_537] as const, [65_536, 131_072] as const],
      ...[[1, 199_999] as const, [131_071, 200_000] as const],
    ]) {
      const wanted = all.subarray(from, to);
      assert.ok(wanted.equals(await file.read(from, to - from)), `${from} to ${to}`);
      const into = Buffer.alloc(to - from);
      assert.equal(file.readNow(from, into), to - from);
      assert.ok(wanted.equals(into), `${from} to ${to} at once`);
    }
    await file.truncate(65_536);
    await file.write(70_000, [Buffer.from('x')]);
    assert.ok(Buffer.alloc(70_000 - 65_536).equals(await file.read(65_536, 70_000 - 65_536)));
    await file.close();
  });

  test(say('a gap and what was cut off read as zeros'), async () => {
    await using under = await make();
    const file = await under.disk.open(`${under.root}/a`, 'create');
    await file.write(5_000, [Buffer.from('end')]);
    assert.deepEqual([...(await file.read(4_998, 3))], [0, 0, 'e'.charCodeAt(0)]);
    await file.truncate(5_001);
    assert.equal(await file.size(), 5_001);
    await file.close();
  });

  test(say('create refuses a name that is there; read and write one that is not'), async () => {
    await using under = await make();
    const path = `${under.root}/a`;
    await fails('missing', () => under.disk.open(path, 'read'));
    await fails('missing', () => under.disk.open(path, 'write'));
    await (await under.disk.open(path, 'create')).close();
    await fails('exists', () => under.disk.open(path, 'create'));
    await (await under.disk.open(path, 'write')).close();
  });

  test(say('a file opened for writing keeps what it holds and can be read'), async () => {
    await using under = await make();
    const path = `${under.root}/a`;
    const first = await under.disk.open(path, 'create');
    await first.write(0, [Buffer.from('abcdef')]);
    await first.close();
    const second = await under.disk.open(path, 'write');
    await second.write(1, [Buffer.from('X')]);
    assert.equal(text(await second.read(0, 6)), 'aXcdef');
    await second.close();
  });

  test(say('a file opened for reading refuses to be written'), async () => {
    await using under = await make();
    const path = `${under.root}/a`;
    await (await under.disk.open(path, 'create')).close();
    const file = await under.disk.open(path, 'read');
    await assert.rejects(file.write(0, [Buffer.from('x')]), DiskError);
    await file.close();
  });

  test(say('names are listed sorted; a folder that is not there is missing'), async () => {
    await using under = await make();
    const folder = `${under.root}/deep/er`;
    await fails('missing', () => under.disk.list(folder));
    await under.disk.makeFolder(folder);
    await under.disk.makeFolder(folder);
    for (const name of ['b', 'a', 'c']) {
      await (await under.disk.open(`${folder}/${name}`, 'create')).close();
    }
    assert.deepEqual(await under.disk.list(folder), ['a', 'b', 'c']);
    assert.deepEqual(await under.disk.list(under.root), ['deep']);
    await under.disk.syncFolder(folder);
  });

  test(say('a rename replaces its target and keeps the content'), async () => {
    await using under = await make();
    const { disk, root } = under;
    for (const name of ['a', 'b']) {
      const file = await disk.open(`${root}/${name}`, 'create');
      await file.write(0, [Buffer.from(name)]);
      await file.close();
    }
    await disk.rename(`${root}/a`, `${root}/b`);
    assert.deepEqual(await disk.list(root), ['b']);
    const file = await disk.open(`${root}/b`, 'read');
    assert.equal(text(await file.read(0, 1)), 'a');
    await file.close();
    await fails('missing', () => disk.rename(`${root}/a`, `${root}/c`));
  });

  test(say('a removed file stays readable where it is open'), async () => {
    await using under = await make();
    const path = `${under.root}/a`;
    const file = await under.disk.open(path, 'create');
    await file.write(0, [Buffer.from('still')]);
    await under.disk.remove(path);
    assert.deepEqual(await under.disk.list(under.root), []);
    assert.equal(text(await file.read(0, 5)), 'still');
    await file.close();
    await fails('missing', () => under.disk.remove(path));
  });

  test(say('bytes read are the caller’s own, and there is room'), async () => {
    await using under = await make();
    const file = await under.disk.open(`${under.root}/a`, 'create');
    await file.write(0, [Buffer.from('abc')]);
    (await file.read(0, 3)).fill(0);
    assert.equal(text(await file.read(0, 3)), 'abc');
    await file.close();
    assert.ok((await under.disk.freeBytes(under.root)) > 0);
  });
}

async function fails(fault: DiskFault, action: () => Promise<unknown>): Promise<void> {
  await assert.rejects(action, (error: unknown) => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.fault, fault);
    return true;
  });
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
