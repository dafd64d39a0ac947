/**
 * What a shard is opened with, and what it tells of itself.
 *
 * Runs in: engine threads; plain data.
 */

import type { Failure } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Random } from '../../ports/random.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import type { IndexTurns } from './index-turns.ts';
import type { Damage } from './journal/recovery.ts';
import type { StoreLimits } from './limits.ts';
import type { RecordDraft, RecordKind, RecordPlace } from './record.ts';
import type { Vault } from './vault/vault.ts';

export interface ShardOptions {
  readonly id: ShardId;
  /** `data/shards/NNN`: the journal goes into `journal/` under it. */
  readonly folder: string;
  readonly disk: Disk;
  /** Opened by the caller, closed by the shard. */
  readonly index: ShardIndex;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly kinds: readonly RecordKind[];
  /** A u32 for each shard, shared by all threads: the epoch that may write. */
  readonly epochs?: SharedArrayBuffer;
  /** Lowest sequence that is not in the index yet: the stored applied position never passes it. */
  readonly indexFloor?: () => number;
  readonly limits?: Partial<StoreLimits>;
  /** Keys of its encrypted accounts; absent: it has none, and never had. */
  readonly vault?: Vault;
  /** When its index may commit, where other shards of the thread do, too. */
  readonly turns?: IndexTurns;
  /** Told each set of changes when reads see it, before its append is answered; also those replayed at open. */
  readonly onChanges?: (changes: readonly IndexChange[]) => void;
  /** Told each group once it is on disk and reads see it, in the order of the journal. */
  readonly onWritten?: (drafts: readonly RecordDraft[], places: readonly RecordPlace[]) => void;
  /** Told why no new mail is taken, or `undefined` once it is: once the shard is open, and at each change. */
  readonly onRefusal?: (refusal: Failure | undefined) => void;
}

export interface ShardStatus {
  readonly epoch: number;
  readonly lastSequence: number;
  /** Why nothing may be written; absent in good health. */
  readonly readOnlyReason?: string;
  readonly damage: readonly Damage[];
  /** Records replayed at open, and why the index was made again, if it was. */
  readonly replayedCount: number;
  readonly rebuildReason?: string;
  readonly backlogCount: number;
  readonly backlogBytes: number;
  /** Moving average of write and sync together. */
  readonly syncMs: number;
  readonly segmentCount: number;
  readonly segmentBytes: number;
  readonly liveBytes: number;
  /** All records up to this sequence are in the newest checkpoint; 0 without one. */
  readonly checkpointCovers: number;
  /** Changes and records not yet in the index, and why it lags when it failed. */
  readonly indexLagChanges: number;
  readonly indexLagRecords: number;
  readonly indexFailure?: string;
  readonly hasRoom: boolean;
}
