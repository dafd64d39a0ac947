/**
 * The key that verifiers of unknown users are made with: made once, and kept in the data folder.
 *
 * Runs in:   main thread.
 * Invariant: the file is whole or not there, and 0600. Without it salts of unknown users would change with a start, and
 *            those of known ones would not.
 */

import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../ports/random.ts';

const keyBytes = 32;
const fileName = 'unknown-users.key';

export async function openScramKey(folder: string, random: Random): Promise<Uint8Array> {
  const file = join(folder, fileName);
  try {
    const key = await readFile(file);
    if (key.length === keyBytes) return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = random.bytes(keyBytes);
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(key);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  return key;
}
