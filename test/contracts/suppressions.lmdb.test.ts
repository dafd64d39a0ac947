import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbSuppressions } from '../../src/adapters/lmdb/suppressions.ts';
import { suppressionsContract } from './suppressions.ts';

suppressionsContract('lmdb', async () => {
  const path = await mkdtemp(join(tmpdir(), 'suppressions-'));
  const heard: string[] = [];
  const open = () =>
    openLmdbSuppressions(path, (tenant, hasEntries) => heard.push(`${tenant} ${hasEntries}`));
  let list = open();
  return {
    list,
    heard,
    async reopen() {
      await list.close();
      list = open();
      return list;
    },
    async [Symbol.asyncDispose]() {
      await list.close();
      await rm(path, { recursive: true });
    },
  };
});
