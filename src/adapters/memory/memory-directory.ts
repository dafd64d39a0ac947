/**
 * Accounts, what they log in with and what they may do, in memory: for tests.
 *
 * Runs in:   any thread. Nothing outlives the process.
 */

import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Identity } from '../../ports/identity.ts';
import { openTableIdentity } from '../table/account-directory.ts';
import { MemoryIndex } from './memory-index.ts';

interface MemoryOptions {
  readonly shards?: number;
  readonly postmaster?: string;
}

export function createMemoryDirectory(options: MemoryOptions = {}): AccountDirectory {
  return createMemoryIdentity(options).directory;
}

export function createMemoryIdentity(options: MemoryOptions = {}): Identity {
  const { shards = 4, postmaster } = options;
  const table = new MemoryIndex();
  return openTableIdentity({ table, shards, ...(postmaster === undefined ? {} : { postmaster }) });
}
