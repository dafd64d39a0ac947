/**
 * Asks of SEARCH, SORT, THREAD and what updates their results, and of parts of a mailbox, packed. Their names stand in
 * `imap-asks.ts`.
 *
 * Runs in:   both sides; plain data only.
 * Specs:     RFC 9051 §6.4.4, RFC 5256, RFC 5267, RFC 9394, RFC 9738, RFC 10022.
 * Invariant: a long search is asked for piece by piece: each ask takes `searchTurnMsMax` at most and says where the next
 *            goes on, so the engine keeps nothing of it, and it ends when nobody asks any more.
 */

import type { SortKey } from '../../mail/wire/imap/parse-sort.ts';
import type { PartialRange } from '../../mail/wire/imap/parse-window.ts';
import type { Criteria } from '../../mail/wire/imap/search-keys.ts';
import type { PackedSet, PackedView, UidRanges } from './imap-asks.ts';

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
  /** The highest, and those of the lowest and the highest found: where wanted; 0 where nothing was found. */
  readonly modseq: number;
  readonly minModseq: number;
  readonly maxModseq: number;
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
  /** As of `Found`. */
  readonly modseq: number;
  readonly firstModseq: number;
  readonly lastModseq: number;
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

/** What changed of a search's results since it was made or last asked about (RFC 5267 §4.3). */
export type PackedContext = readonly [
  account: number,
  /** As the session believes, and as it will once it is told what changed. */
  before: PackedView,
  after: PackedView,
  isUid: boolean,
  criteria: Criteria,
  /** null: SEARCH, in the mailbox's order. */
  order: readonly SortKey[] | null,
  /** The results so far: ranges, or of SORT the list. */
  uids: UidRanges,
  /** Changes after it, and messages from this UID on, were not looked at. */
  modseq: number,
  uidNext: number,
];

export interface ContextUpdate {
  readonly uids: UidRanges;
  readonly modseq: number;
  readonly uidNext: number;
  /** In the numbers of `before`; to be told before expunges. */
  readonly removed: readonly ResultChange[];
  /** In the numbers of `after`; to be told after arrivals. */
  readonly added: readonly ResultChange[];
  /** There are more results than are kept: nothing of it is told any more. */
  readonly isOver: boolean;
}

export interface ResultChange {
  /** From 1 on in the list at that time; 0: the mailbox's order tells. */
  readonly place: number;
  readonly ranges: readonly number[];
}

/** Numbers kept of a search's results for updates: ranges' ends, or the list of a SORT. */
export const contextNumbersMax = 20_000;

export type PackedNewest = readonly [
  account: number,
  view: PackedView,
  /** Messages in all of them are meant. */
  sets: readonly (readonly [isUid: boolean, set: PackedSet])[],
  countMax: number,
  /** Only messages that may have changed after it; -1: all. */
  changedSince: number,
];

export type PackedBatches = readonly [
  account: number,
  view: PackedView,
  /** Messages of a batch. */
  size: number,
  /** From 1 on; the first has the newest messages. */
  first: number,
  last: number,
];
