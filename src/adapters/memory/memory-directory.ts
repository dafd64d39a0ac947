/**
 * The account directory in memory: for tests.
 *
 * Runs in:   any thread. Nothing outlives the process.
 */

import type { AccountDirectory } from '../../ports/account-directory.ts';
import { TableDirectory } from '../table/account-directory.ts';
import { MemoryIndex } from './memory-index.ts';

export function createMemoryDirectory(
  options: { readonly shards?: number; readonly postmaster?: string } = {},
): AccountDirectory {
  const { shards = 4, postmaster } = options;
  const table = new MemoryIndex();
  return new TableDirectory({ table, shards, ...(postmaster === undefined ? {} : { postmaster }) });
}
