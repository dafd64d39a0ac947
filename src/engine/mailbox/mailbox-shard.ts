/**
 * What mailboxes need of their shard: a part of `engine/store/shard.ts`, so that tests can give a small one.
 *
 * Runs in: the engine thread that owns the shard.
 */

import type { EntryVisit, IndexEntry, IndexRange } from '../../ports/shard-index.ts';
import type { RecordDraft, RecordPlace } from '../store/record.ts';

export interface MailboxShard {
  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]>;
  appendLazily(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]>;
  get(key: Uint8Array): Uint8Array | undefined;
  peek(key: Uint8Array): Uint8Array | undefined;
  range(range: IndexRange): readonly IndexEntry[];
  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void;
  read(place: RecordPlace, from?: number, length?: number): Promise<Uint8Array>;
  readNow(place: RecordPlace, from?: number, length?: number): Uint8Array | undefined;
  readNear(
    places: readonly RecordPlace[],
    bytesMax: number,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  readNearNow(
    places: readonly RecordPlace[],
    bytesMax: number,
    into: Uint8Array,
  ): readonly Uint8Array[] | undefined;
  lease(segment: number): { release(): void };
  releaseBody(place: RecordPlace): void;
}
