import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbIdentity } from '../../src/adapters/lmdb/account-directory.ts';
import { accountDirectoryContract } from './account-directory.ts';

accountDirectoryContract('lmdb', async (choice) => {
  const path = await mkdtemp(join(tmpdir(), 'directory-'));
  let { directory } = openLmdbIdentity({ path, ...choice });
  return {
    directory,
    async reopen() {
      await directory.close();
      ({ directory } = openLmdbIdentity({ path, ...choice }));
      return directory;
    },
    async [Symbol.asyncDispose]() {
      await directory.close();
      await rm(path, { recursive: true });
    },
  };
});
