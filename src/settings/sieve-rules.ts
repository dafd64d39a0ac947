/**
 * What must hold of the server's Sieve scripts.
 *
 * Runs in: main thread; reads the files that settings name.
 */

import { readFileSync } from 'node:fs';
import { placedFaults } from '../mail/sieve/compile/at-delivery.ts';
import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';
import { type GlobalFile, globalBytesMax, globalFiles, globalFilesMax } from './sieve-folder.ts';

export function* sieveFaults({ sieve }: Settings): Iterable<RuleFault> {
  yield* scriptFaults('sieve.beforeFile', sieve.beforeFile);
  yield* scriptFaults('sieve.afterFile', sieve.afterFile);
  yield* folderFaults('sieve.globalFolder', sieve.globalFolder);
}

function* folderFaults(path: string, folder: string): Iterable<RuleFault> {
  let files: readonly GlobalFile[];
  try {
    files = globalFiles(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = `${folder} cannot be read: ${code}`;
    yield { paths: [path], reason, advice: 'Name a folder that the user running Chaski may read.' };
    return;
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (files.length > globalFilesMax || bytes > globalBytesMax) {
    const reason = `${folder} has ${files.length} files of ${bytes} octets: ${globalFilesMax} of ${globalBytesMax} together may be there`;
    yield { paths: [path], reason, advice: 'Take out those that no script uses.' };
    return;
  }
  for (const { kind, file } of files) {
    yield* kind === 'script' ? scriptFaults(path, file) : fileFaults(path, file);
  }
}

function* scriptFaults(path: string, file: string): Iterable<RuleFault> {
  if (file === '') return;
  const missing = [...fileFaults(path, file)];
  yield* missing;
  if (missing.length > 0) return;
  const [fault] = placedFaults(readFileSync(file));
  if (fault === undefined) return;
  const { line, column, message } = fault;
  const reason = `${file}:${line}:${column}: ${message}`;
  yield { paths: [path], reason, advice: `Look at it with \`chaski sieve check ${file}\`.` };
}
