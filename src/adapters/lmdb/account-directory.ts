/**
 * Accounts, what they log in with and what they may do, in LMDB: `data/directory`.
 *
 * Runs in:   the main thread.
 * Invariant: a commit is synced before its promise resolves, so a write is durable on return.
 */

import { gibibyte } from '../../base/units.ts';
import type { Identity } from '../../ports/identity.ts';
import { openTableIdentity } from '../table/account-directory.ts';
import { openLmdbTable } from './shard-index.ts';

const mapBytes = 4 * gibibyte;

export interface LmdbIdentityOptions {
  readonly path: string;
  readonly shards: number;
  readonly postmaster?: string;
}

export function openLmdbIdentity(options: LmdbIdentityOptions): Identity {
  const table = openLmdbTable({ path: options.path, mapBytes });
  const { shards, postmaster } = options;
  return openTableIdentity({ table, shards, ...(postmaster === undefined ? {} : { postmaster }) });
}
