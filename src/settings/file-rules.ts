/**
 * What must hold of a file that settings name.
 *
 * Runs in: main thread; reads the file system.
 */

import { accessSync, constants, statSync } from 'node:fs';
import type { RuleFault } from './rules.ts';

/** "" is no file. */
export function* fileFaults(path: string, file: string): Iterable<RuleFault> {
  if (file === '') return;
  try {
    accessSync(file, constants.R_OK);
    if (statSync(file).isFile()) return;
    yield { paths: [path], reason: `${file} is not a file`, advice: 'Name a readable file.' };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read: ${code}`;
    yield { paths: [path], reason, advice: 'Name a file that the user running Chaski may read.' };
  }
}
