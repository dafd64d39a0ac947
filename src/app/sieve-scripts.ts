/**
 * Reads the server's Sieve scripts.
 *
 * Runs in:   main thread.
 * Limits:    a script of `scriptLimits.scriptBytesMax`, a folder as `settings/sieve-folder.ts` says; settings are
 *            refused where one has faults.
 */

import { readFile } from 'node:fs/promises';
import type { SievePolicy } from '../actors/asks/policy-snapshot.ts';
import type { Settings } from '../settings/schema.ts';
import { type GlobalFile, globalFiles } from '../settings/sieve-folder.ts';

/** Rejects where a file cannot be read. */
export async function readServerScripts({ sieve }: Settings): Promise<SievePolicy> {
  const text = (file: string) => (file === '' ? '' : readFile(file, 'utf8'));
  const files = globalFiles(sieve.globalFolder);
  const texts = (wanted: GlobalFile['kind'], nameOf: (name: string) => string) => {
    const own = files.filter(({ kind }) => kind === wanted);
    return Promise.all(
      own.map(async ({ name, file }) => [nameOf(name), await text(file)] as const),
    );
  };
  return {
    before: await text(sieve.beforeFile),
    after: await text(sieve.afterFile),
    globals: await texts('script', (name) => name),
    lists: await texts('list', (name) => name.toLowerCase()),
  };
}
