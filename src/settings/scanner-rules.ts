/**
 * Rules between settings of programs that look at mail.
 *
 * Runs in: main thread; reads the file system for the files they name.
 */

import { minuteMs } from '../base/units.ts';
import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

/** Whoever brought a message is answered within four minutes: one that is taken later comes a second time. */
const waitMsMax = 3 * minuteMs;

export function* scannerFaults(settings: Settings): Iterable<RuleFault> {
  const { scanners, verification } = settings;
  const scansMs = scanners.list.reduce((sum, { msMax }) => sum + msMax, 0);
  if (scansMs + verification.verdictMsMax > waitMsMax) {
    yield {
      paths: ['scanners.list', 'verification.verdictMsMax'],
      reason: `a message could wait ${scansMs + verification.verdictMsMax} ms for verdicts; at most ${waitMsMax} ms work`,
      advice:
        'Lower `verification.verdictMsMax`, or `msMax` of the scanners, until their sum fits.',
    };
  }
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
