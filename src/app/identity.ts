/**
 * Opens the directory that `directory.kind` names: in the data folder, or in PostgreSQL with a copy there.
 *
 * Runs in:   the main thread.
 */

import { join } from 'node:path';
import { openLmdbIdentity } from '../adapters/lmdb/account-directory.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { openPostgresIdentity } from '../adapters/postgres/account-directory.ts';
import type { Log } from '../base/log.ts';
import type { Identity } from '../ports/identity.ts';
import type { Settings } from '../settings/schema.ts';
import type { Closer } from './core.ts';
import { settleUsesInTime } from './last-uses.ts';

export async function openIdentity(
  settings: Settings,
  folder: { readonly path: string; readonly shards: number },
  log: Log,
  closers: Closer[],
): Promise<Identity> {
  const identity = await openKind(settings, folder, log);
  closers.push(() => identity.directory.close());
  const settling = settleUsesInTime(identity.credentials, nodeClock, log);
  closers.push(async () => settling.end());
  return identity;
}

function openKind(
  { directory }: Settings,
  { path, shards }: { readonly path: string; readonly shards: number },
  log: Log,
): Promise<Identity> {
  if (directory.kind === 'embedded') {
    return Promise.resolve(openLmdbIdentity({ path: join(path, 'directory'), shards }));
  }
  const { host, database } = directory.postgres;
  return openPostgresIdentity({
    ...{ address: directory.postgres, path: join(path, 'directory-copy'), shards },
    onAway: (why) => {
      const fields = { host, database, ...(why === undefined ? {} : { why }) };
      if (why === undefined) log.info(fields, 'the directory answers again');
      else
        log.warn(fields, 'the directory is away: log-ins go on by its copy, changes are refused');
    },
  });
}
