/**
 * What the spool needs of its shard: a part of `engine/store/shard.ts`, so that tests can give a small one.
 *
 * Runs in: engine thread.
 */

import type { IndexChange, IndexEntry, IndexRange } from '../../ports/shard-index.ts';
import type { RecordDraft, RecordPlace } from '../store/record.ts';

export interface SpoolShard {
  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]>;
  appendLazily(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]>;
  get(key: Uint8Array): Uint8Array | undefined;
  range(range: IndexRange): readonly IndexEntry[];
  write(changes: readonly IndexChange[]): void;
  read(place: RecordPlace, from?: number, length?: number): Promise<Uint8Array>;
  /** As `read`, where no waiting is needed; into bytes that the next such read writes over. */
  readNow(place: RecordPlace): Uint8Array | undefined;
  lease(segment: number): { release(): void };
  /** Where a body stands now: compaction or a failed sync may have copied it. */
  placeNow(place: RecordPlace): RecordPlace;
  releaseBody(place: RecordPlace): void;
  /** Changes that the index does not have yet. */
  readonly indexLag: number;
}
