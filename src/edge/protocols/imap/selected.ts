/**
 * What a session believes of its mailbox: a few numbers; the engine makes the rest from them.
 *
 * Runs in:   edge (main thread).
 * Invariant: these numbers change only together with what the client is told.
 */

import type { PackedView, UidRanges } from '../../../actors/asks/imap-asks.ts';

export interface SelectedMailbox {
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
  /** A notice told of something the client has not heard. */
  isStale: boolean;
  /** All of that but expunges was told, where these may not be. */
  isHalfTold: boolean;
  /** Modseq of the session's own last change of annotations: it is not told of that. */
  ownEntries: number;
}

export function viewOf({ mailbox, modseq, uidNext }: SelectedMailbox): PackedView {
  return [mailbox, modseq, uidNext];
}
