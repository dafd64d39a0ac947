/**
 * What a session believes of its mailbox: a few numbers; the engine makes the rest from them.
 *
 * Runs in:   edge (main thread).
 * Limits:    `savedNumbersMax` of a saved result.
 * Invariant: these numbers change only together with what the client is told.
 */

import type { PackedView, UidRanges } from '../../../actors/asks/imap-asks.ts';
import type { SortKey } from '../../../mail/wire/imap/parse-sort.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { Recent } from './recent.ts';

/** A search whose results the client is told changes of. */
export interface SearchContext {
  readonly tag: string;
  readonly isUid: boolean;
  readonly criteria: Criteria;
  /** null: in the order of the mailbox. */
  readonly order: readonly SortKey[] | null;
  /** Changes up to here and messages below `uidNext` are in the results. */
  readonly modseq: number;
  readonly uidNext: number;
  /** The results: ranges, or with an order the list. */
  readonly uids: UidRanges;
}

/** What UIDBATCHES was asked for, and when: the mailbox as it was then. */
export interface AskedBatches {
  readonly size: number;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly uidNext: number;
}

export const noContexts: readonly SearchContext[] = [];

export interface SelectedMailbox {
  readonly owner: Account;
  readonly mailbox: number;
  readonly name: string;
  readonly isReadOnly: boolean;
  /** Expunges are told up to here. */
  modseq: number;
  /** Changes of flags are told up to here. */
  flagModseq: number;
  uidNext: number;
  count: number;
  /** The client knows so many keywords of the mailbox. */
  keywordCount: number;
  /** What `$` stands for (RFC 9051 §6.4.4.1). */
  saved: UidRanges;
  /** Absent: the client speaks rev2, which has no \Recent. */
  recent?: Recent;
  /** A notice told of something the client has not heard. */
  isStale: boolean;
  /** All of that but expunges was told, where these may not be. */
  isHalfTold: boolean;
  /** The owner's stamp when all was told last: while it stands there is nothing to ask for. */
  stamp: number | undefined;
  /** Searches whose results are kept up to date for the client (RFC 5267); shared while there are none. */
  contexts: readonly SearchContext[];
  /** Modseq of the session's own last change of annotations: it is not told of that. */
  ownEntries: number;
  /** The oldest question first; absent: there was none. */
  batchesAsked?: readonly AskedBatches[];
}

/** Numbers of ranges that `$` may have: 800 kB of a session. */
const savedNumbersMax = 100_000;

/** False: they are too many to be kept, and `$` is empty (RFC 5182 §2.1). */
export function keepSaved(selected: SelectedMailbox, uids: ArrayLike<number>): boolean {
  const isKept = uids.length <= savedNumbersMax;
  selected.saved = isKept ? Array.from(uids) : [];
  return isKept;
}

export function viewOf({ mailbox, modseq, uidNext }: SelectedMailbox): PackedView {
  return [mailbox, modseq, uidNext];
}

/** The number of the mailbox that is selected, where it is the session's own; 0: none is. */
export function ownSelected(session: {
  readonly account: Account | undefined;
  readonly selected: SelectedMailbox | undefined;
}): number {
  const { account, selected } = session;
  return selected !== undefined && selected.owner.id === account?.id ? selected.mailbox : 0;
}
