/**
 * Randomness of the operating system.
 *
 * Runs in: every thread.
 */

import { randomFillSync } from 'node:crypto';
import type { Random } from '../../ports/random.ts';

export const nodeRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  fraction: () => Math.random(),
};
