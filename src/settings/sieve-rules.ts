/**
 * What must hold of the server's Sieve scripts.
 *
 * Runs in: main thread; reads the files that settings name.
 */

import { readFileSync } from 'node:fs';
import { placedFaults } from '../mail/sieve/compile/at-delivery.ts';
import { scriptLimits } from '../mail/sieve/limits.ts';
import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

export function* sieveFaults({ sieve }: Settings): Iterable<RuleFault> {
  yield* scriptFaults('sieve.beforeFile', sieve.beforeFile);
  yield* scriptFaults('sieve.afterFile', sieve.afterFile);
}

function* scriptFaults(path: string, file: string): Iterable<RuleFault> {
  if (file === '') return;
  const missing = [...fileFaults(path, file)];
  yield* missing;
  if (missing.length > 0) return;
  const [fault] = placedFaults(readFileSync(file, 'utf8').slice(0, scriptLimits.scriptBytesMax));
  if (fault === undefined) return;
  const { line, column, message } = fault;
  const reason = `${file}:${line}:${column}: ${message}`;
  yield { paths: [path], reason, advice: `Look at it with \`chaski sieve check ${file}\`.` };
}
