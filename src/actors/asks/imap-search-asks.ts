/**
 * Asks of SEARCH, SORT, THREAD and what updates their results, packed. Their names stand in `imap-asks.ts`.
 *
 * Runs in:   both sides; plain data only.
 * Specs:     RFC 9051 §6.4.4, RFC 5256, RFC 5267, RFC 9394.
 * Invariant: a long search is asked for piece by piece: each ask takes `searchTurnMsMax` at most and says where the next
 *            goes on, so the engine keeps nothing of it, and it ends when nobody asks any more.
 */

import type { SortKey } from '../../mail/wire/imap/parse-sort.ts';
import type { PartialRange } from '../../mail/wire/imap/parse-window.ts';
import type { Criteria } from '../../mail/wire/imap/search-keys.ts';
import type { PackedView, UidRanges } from './imap-asks.ts';

/** Bits of what the answer's body holds, in this order. */
export const searchWants = {
  /** Ranges of UIDs. */
  uids: 1,
  /** Ranges of sequence numbers. */
  numbers: 2,
  /** The highest modseq of those found. */
  modseq: 4,
  /** Of SORT, ranges of UIDs of the part that was asked for alone. */
  partUids: 8,
} as const;

export type PackedSearch = readonly [
  account: number,
  view: PackedView,
  criteria: Criteria,
  /** What `$` stands for (RFC 9051 §6.4.4.1). */
  saved: UidRanges,
  wants: number,
  /** So many are enough; 0: all are wanted. */
  enough: number,
  isFromEnd: boolean,
  /** UID to go on at; 0 begins. */
  cursor: number,
];

/** Its body: ranges as u32, those of UIDs and then those of numbers, as far as they were wanted; each ascending. */
export interface Found {
  readonly count: number;
  /** Of the body, u32 that are of UIDs. */
  readonly uidsLength: number;
  /** The lowest and the highest found; 0 where nothing was. */
  readonly minUid: number;
  readonly maxUid: number;
  readonly min: number;
  readonly max: number;
  /** Where it was wanted; 0 where nothing was found. */
  readonly modseq: number;
  /** Messages passed by so far in this piece. */
  readonly looked: number;
  /** There is more to search: the cursor to ask with. */
  readonly next?: number;
}

export type PackedSort = readonly [
  account: number,
  view: PackedView,
  isUid: boolean,
  criteria: Criteria,
  saved: UidRanges,
  order: readonly SortKey[],
  /** Of the answer's list, only this part; null: all of it; 0: none of it. */
  window: PartialRange | null | 0,
  /** Of `searchWants`; UIDs are for `$`. */
  wants: number,
];

/** Its body: u32; ranges of UIDs where wanted, then the numbers in their order. */
export interface Sorted {
  readonly count: number;
  readonly uidsLength: number;
  /** First and last of the whole list; 0 where it is empty. */
  readonly first: number;
  readonly last: number;
  /** The same as UIDs. */
  readonly firstUid: number;
  readonly lastUid: number;
  readonly modseq: number;
}

export type ThreadAlgorithm = 'ORDEREDSUBJECT' | 'REFERENCES';

/** Answer: body with the whole THREAD response. */
export type PackedThread = readonly [
  account: number,
  view: PackedView,
  isUid: boolean,
  criteria: Criteria,
  saved: UidRanges,
  algorithm: ThreadAlgorithm,
];
