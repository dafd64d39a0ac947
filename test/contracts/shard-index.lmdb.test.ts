import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbShardIndex } from '../../src/adapters/lmdb/shard-index.ts';
import { mebibyte } from '../../src/base/units.ts';
import { shardIndexContract } from './shard-index.ts';

shardIndexContract('lmdb', async () => {
  const path = await mkdtemp(join(tmpdir(), 'shard-index-'));
  const options = { path, mapBytes: 64 * mebibyte };
  let index = openLmdbShardIndex(options);
  return {
    index,
    async reopen() {
      await index.close();
      index = openLmdbShardIndex(options);
      return index;
    },
    async [Symbol.asyncDispose]() {
      await index.close();
      await rm(path, { recursive: true });
    },
  };
});
