/**
 * What a shard's journal and index tell of themselves.
 *
 * Runs in: the engine thread that owns the shard.
 */

import type { IndexWriter } from './index-writer.ts';
import type { Journal } from './journal/journal.ts';

export function statusOf(journal: Journal, writer: IndexWriter) {
  const { epoch, lastSequence, damage } = journal;
  return {
    epoch,
    lastSequence,
    damage,
    ...journal.segments.sizes(),
    indexLagRecords: Math.max(0, lastSequence - (writer.applied?.sequence ?? 0)),
    ...(writer.failure === undefined ? {} : { indexFailure: writer.failure }),
  };
}
