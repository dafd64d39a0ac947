/**
 * Operators' asks to one shard's store. Verification goes in steps, one ask each: so it can be left off between two,
 * and keeps neither a draining server nor a moving shard waiting.
 *
 * Runs in: both sides; plain data only.
 */

export const storeAsks = {
  /** meta: number of the segment checked last, 0 to begin. Answer: `SegmentChecked`. Class `long`. */
  checkSegment: 'store.check-segment',
  /** meta: `BodiesChecked.next`, empty to begin. Answer: `BodiesChecked`. Class `long`. */
  checkBodies: 'store.check-bodies',
  /** Answer: `ShardCompacted`. Class `long`. */
  compact: 'store.compact',
  /** Answer: `StoreShardStatus`. */
  status: 'store.status',
} as const;

/** A message as its record or its row names it: in the queue by its id, else by the account that has it. */
export type StoredName =
  | { readonly id: string }
  | {
      readonly account: number;
      readonly document: number;
      /** 0 where no row tells. */
      readonly mailbox: number;
      readonly uid: number;
    };

export interface StoreFault {
  readonly segment: number;
  readonly offset: number;
  readonly reason: string;
  readonly messages: readonly StoredName[];
  /** Records that are hit and name no message; those past what one fault names as well. */
  readonly unnamedCount: number;
}

export interface SegmentChecked {
  /** Absent: there was none left. */
  readonly segment?: number;
  readonly recordCount: number;
  readonly bytes: number;
  readonly faults: readonly StoreFault[];
}

/** Messages that rows name, each read from its place. */
export interface BodiesChecked {
  /** Absent: none is left. */
  readonly next?: Uint8Array;
  readonly faults: readonly StoreFault[];
}

export interface ShardCompacted {
  readonly segmentsRemoved: number;
  readonly bytesFreed: number;
}

export interface StoreShardStatus {
  /** Records brought into the index when the shard was opened. */
  readonly replayedCount: number;
  readonly segmentBytes: number;
  /** Why nothing may be written; absent in good health. */
  readonly readOnlyReason?: string;
}
