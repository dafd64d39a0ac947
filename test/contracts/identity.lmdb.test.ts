import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbIdentity } from '../../src/adapters/lmdb/account-directory.ts';
import { ownerContract } from './account-owners.ts';
import { credentialContract } from './credentials.ts';
import { groupContract } from './groups.ts';
import type { OpenedIdentity } from './identity-world.ts';
import { levelContract } from './levels.ts';
import { roleContract } from './roles.ts';
import { secondFactorContract } from './second-factors.ts';
import { sharedContract } from './shared.ts';

async function open(): Promise<OpenedIdentity> {
  const path = await mkdtemp(join(tmpdir(), 'identity-'));
  let identity = openLmdbIdentity({ path, shards: 4 });
  return {
    identity,
    async reopen() {
      await identity.directory.close();
      identity = openLmdbIdentity({ path, shards: 4 });
      return identity;
    },
    async [Symbol.asyncDispose]() {
      await identity.directory.close();
      await rm(path, { recursive: true });
    },
  };
}

credentialContract('lmdb', open);
secondFactorContract('lmdb', open);
roleContract('lmdb', open);
ownerContract('lmdb', open);
groupContract('lmdb', open);
levelContract('lmdb', open);
sharedContract('lmdb', open);
