/**
 * The folder of what all accounts' scripts may use: scripts for `include :global`, and lists of addresses.
 *
 * Runs in:   main thread; reads the file system.
 * Specs:     RFC 6609 §3.1, RFC 6134.
 * Limits:    `globalFilesMax` files of `globalBytesMax` together: each thread holds them compiled. Names that start
 *            with a dot are passed over, as are files of other endings.
 */

import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { mebibyte } from '../base/units.ts';

export const globalFilesMax = 100;
export const globalBytesMax = 4 * mebibyte;

const kinds = { '.sieve': 'script', '.list': 'list' } as const;

export interface GlobalFile {
  readonly kind: 'script' | 'list';
  /** As scripts call it. */
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
}

/** In order of their names; "" is no folder. @throws Error of the file system */
export function globalFiles(folder: string): readonly GlobalFile[] {
  if (folder === '') return [];
  const found: GlobalFile[] = [];
  for (const entry of readdirSync(folder).sort()) {
    const ending = extname(entry) as keyof typeof kinds;
    const kind = kinds[ending];
    if (kind === undefined || entry.startsWith('.')) continue;
    const file = join(folder, entry);
    const name = entry.slice(0, -ending.length);
    found.push({ kind, name, file, bytes: statSync(file).size });
  }
  return found;
}
