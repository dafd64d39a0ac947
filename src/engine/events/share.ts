/**
 * What one shard may keep of events: an equal part of the room for all, among the shards that have any.
 *
 * Runs in:   engine threads.
 */

import { type Disk, DiskError } from '../../ports/disk.ts';

/** `bytesMax` divided by the shards under `shardsFolder` that have event files. */
export async function shareOfEvents(
  disk: Disk,
  shardsFolder: string,
  bytesMax: number,
): Promise<number> {
  let count = 0;
  for (const shard of await disk.list(shardsFolder)) {
    if ((await namesIn(disk, `${shardsFolder}/${shard}/events`)).length > 0) count++;
  }
  return Math.floor(bytesMax / Math.max(1, count));
}

/** None where there is no folder. */
export async function namesIn(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (error instanceof DiskError && error.fault === 'missing') return [];
    throw error;
  }
}
