/**
 * Rules between settings of programs that look at mail.
 *
 * Runs in: main thread; reads the file system for the files they name.
 */

import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

export function* scannerFaults({ scanners }: Settings): Iterable<RuleFault> {
  const names = new Set<string>();
  for (const { name, secretFile } of scanners.list) {
    yield* fileFaults('scanners.list', secretFile);
    if (!names.has(name)) names.add(name);
    else {
      yield {
        paths: ['scanners.list'],
        reason: `two scanners are called ${name}`,
        advice: 'Give each a name of its own: metrics and the log go by it.',
      };
    }
  }
}
