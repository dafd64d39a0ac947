import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { diskContract } from './disk.ts';

async function makeFilesDisk() {
  const root = await mkdtemp(join(tmpdir(), 'chaski-disk-'));
  return {
    disk: nodeDisk,
    root,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

diskContract('files', makeFilesDisk);

test('files: folders are 0700 and files 0600', async () => {
  await using under = await makeFilesDisk();
  await nodeDisk.makeFolder(`${under.root}/shard`);
  await (await nodeDisk.open(`${under.root}/shard/a`, 'create')).close();
  assert.equal((await stat(`${under.root}/shard`)).mode & 0o777, 0o700);
  assert.equal((await stat(`${under.root}/shard/a`)).mode & 0o777, 0o600);
});
