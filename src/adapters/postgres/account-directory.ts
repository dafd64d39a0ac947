/**
 * Accounts, what they log in with and what they may do, in PostgreSQL, with a copy in `data/directory-copy`.
 *
 * Runs in:   the main thread.
 * Invariant: a write is committed by the database before its promise resolves. Reads answer from the copy, at once.
 */

import { gibibyte } from '../../base/units.ts';
import type { Identity } from '../../ports/identity.ts';
import { openLmdbTable } from '../lmdb/shard-index.ts';
import { openTableIdentity } from '../table/account-directory.ts';
import { nextNumbers } from '../table/spent-numbers.ts';
import type { DatabaseAddress } from './connection.ts';
import { PostgresTable } from './table.ts';

const mapBytes = 4 * gibibyte;

export interface PostgresIdentityOptions {
  readonly address: DatabaseAddress;
  /** The copy's folder. */
  readonly path: string;
  readonly shards: number;
  readonly postmaster?: string;
  /** The database went away, and why; or, without a reason, it is back. */
  readonly onAway?: (why: string | undefined) => void;
}

export async function openPostgresIdentity(options: PostgresIdentityOptions): Promise<Identity> {
  const { address, path, shards, postmaster, onAway } = options;
  const copy = openLmdbTable({ path, mapBytes });
  // The database may have been set back to what it was before.
  const known = nextNumbers(copy);
  const table = await PostgresTable.open({
    ...{ address, copy },
    ...(onAway === undefined ? {} : { onAway }),
  });
  return openTableIdentity({
    ...{ table, shards, known, hearOthers: (listener) => table.hearOthers(listener) },
    ...(postmaster === undefined ? {} : { postmaster }),
  });
}
