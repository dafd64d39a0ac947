/**
 * Opens the batches of a data folder, in `data/batches`.
 *
 * Runs in: main thread.
 */

import { join } from 'node:path';
import { openLmdbTable } from '../../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import type { Log } from '../../base/log.ts';
import { gibibyte } from '../../base/units.ts';
import type { Core } from '../core.ts';
import { Batches } from './batches.ts';

/** Address space: four times what may wait, for what was freed is used again in pieces. */
const mapBytes = 2 * gibibyte;

type Needs = Pick<Core, 'folder' | 'reception' | 'directory' | 'closers'> & { readonly log: Log };

export function openBatches({ folder, reception, directory, closers, log }: Needs): Batches {
  const batches = new Batches({
    ...{ clock: nodeClock, log },
    table: openLmdbTable({ path: join(folder.path, 'batches'), mapBytes }),
    nextId: () => reception.nextId(),
    reserve: (bytes) => reception.reserve(bytes) === undefined,
    release: (bytes) => reception.release(bytes),
    keyOf: async (id) => await directory.apiKey(id),
  });
  closers.push(() => batches.close());
  return batches;
}
