/**
 * Makes a stopped shard's index again, from its newest checkpoint and the journal after it.
 *
 * Runs in:   offline commands; a running shard does the same by itself when its index cannot be
 *            trusted.
 * Invariant: the index is emptied first: nothing it held takes part.
 */

import { Shard, type ShardOptions, type ShardStatus } from './shard.ts';

/** Resolves when the index holds all the journal does; the shard is closed again. */
export async function rebuildIndex(options: ShardOptions): Promise<ShardStatus> {
  await options.index.clear();
  const shard = await Shard.open(options);
  try {
    return shard.status();
  } finally {
    await shard.close();
  }
}
