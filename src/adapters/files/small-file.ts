/**
 * Files that are read and written whole.
 *
 * Runs in:   main thread, and the CLI's process.
 * Limits:    `smallBytesMax` are read, or what the caller says.
 * Invariant: a file is written and synced under another name first: a kill leaves the former one or the new one.
 */

import { join } from 'node:path';
import { type Disk, DiskError } from '../../ports/disk.ts';

const smallBytesMax = 4_096;

/** Undefined: there is no such file. */
export async function readSmall(
  disk: Disk,
  path: string,
  bytesMax = smallBytesMax,
): Promise<Uint8Array | undefined> {
  return await ifThere(async () => {
    const file = await disk.open(path, 'read');
    try {
      return await file.read(0, bytesMax);
    } finally {
      await file.close();
    }
  });
}

/** Under another name first: a kill in the middle leaves what was there before. */
export async function writeSmall(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  await ifThere(() => disk.remove(draft));
  const file = await disk.open(draft, 'create');
  try {
    await file.write(0, [bytes]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, path);
  await disk.syncFolder(join(path, '..'));
}

/** Undefined where `work` misses a file. */
export async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DiskError && error.fault === 'missing') return undefined;
    throw error;
  }
}
