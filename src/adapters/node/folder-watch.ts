/**
 * Word of changes in folders, as far as the system tells: whoever needs to know looks from time to time, too.
 *
 * Runs in:   main thread.
 * Invariant: a folder that cannot be watched is none that is told of; nothing is thrown.
 */

import { type FSWatcher, watch } from 'node:fs';

/** Answers what ends it. */
export function watchFolders(folders: Iterable<string>, changed: () => void): () => void {
  const watchers: FSWatcher[] = [];
  for (const folder of new Set(folders)) {
    try {
      const watcher = watch(folder, { persistent: false }, changed);
      // The folder was taken away.
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // It is not there, or the system has no more watches.
    }
  }
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}
