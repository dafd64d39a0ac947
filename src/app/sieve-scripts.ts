/**
 * Reads the server's Sieve scripts.
 *
 * Runs in:   main thread.
 * Limits:    a script of `scriptLimits.scriptBytesMax`; settings are refused where one has faults.
 */

import { readFile } from 'node:fs/promises';
import type { SievePolicy } from '../actors/asks/policy-snapshot.ts';
import type { Settings } from '../settings/schema.ts';

/** Rejects where a file cannot be read. */
export async function readServerScripts({ sieve }: Settings): Promise<SievePolicy> {
  const text = (file: string) => (file === '' ? '' : readFile(file, 'utf8'));
  return { before: await text(sieve.beforeFile), after: await text(sieve.afterFile) };
}
