/**
 * Aim: the directory in PostgreSQL keeps the same contracts as the embedded one, on a real server.
 * Method: Debian's PostgreSQL in a folder of its own, a new database for each world; skipped, and said, without it.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { openPostgresIdentity } from '../../src/adapters/postgres/account-directory.ts';
import type { Identity } from '../../src/ports/identity.ts';
import { accountDirectoryContract } from '../contracts/account-directory.ts';
import { ownerContract } from '../contracts/account-owners.ts';
import { credentialContract } from '../contracts/credentials.ts';
import { groupContract } from '../contracts/groups.ts';
import type { OpenedIdentity } from '../contracts/identity-world.ts';
import { roleContract } from '../contracts/roles.ts';
import { secondFactorContract } from '../contracts/second-factors.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.ts';

describe('the directory in PostgreSQL', needsPostgres(), () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  async function open(
    choice: { readonly shards?: number; readonly postmaster?: string } = {},
  ): Promise<OpenedIdentity & { reopen(): Promise<Identity> }> {
    const address = server.address(await server.createDatabase());
    const path = await mkdtemp(join(tmpdir(), 'directory-copy-'));
    const openAgain = () => openPostgresIdentity({ address, path, shards: 4, ...choice });
    let identity = await openAgain();
    return {
      identity,
      /** Without its copy: all that is kept is in the database. */
      async reopen() {
        await identity.directory.close();
        await rm(path, { recursive: true });
        identity = await openAgain();
        return identity;
      },
      async [Symbol.asyncDispose]() {
        await identity.directory.close();
        await rm(path, { recursive: true });
      },
    };
  }

  accountDirectoryContract('postgres', async (choice) => {
    const opened = await open(choice);
    return {
      directory: opened.identity.directory,
      reopen: async () => (await opened.reopen()).directory,
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  });
  credentialContract('postgres', open);
  secondFactorContract('postgres', open);
  roleContract('postgres', open);
  ownerContract('postgres', open);
  groupContract('postgres', open);
});
