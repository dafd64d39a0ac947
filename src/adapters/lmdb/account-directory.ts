/**
 * The account directory in LMDB: `data/directory`.
 *
 * Runs in:   the main thread.
 * Invariant: a commit is synced before its promise resolves, so a write is durable on return.
 */

import { gibibyte } from '../../base/units.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import { TableDirectory } from '../table/account-directory.ts';
import { openLmdbTable } from './shard-index.ts';

const mapBytes = 4 * gibibyte;

export interface LmdbDirectoryOptions {
  readonly path: string;
  readonly shards: number;
  readonly postmaster?: string;
}

export function openLmdbDirectory(options: LmdbDirectoryOptions): AccountDirectory {
  const table = openLmdbTable({ path: options.path, mapBytes });
  const { shards, postmaster } = options;
  return new TableDirectory({ table, shards, ...(postmaster === undefined ? {} : { postmaster }) });
}
