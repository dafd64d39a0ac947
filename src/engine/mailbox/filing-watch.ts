/**
 * Who hears of what people did with messages, once it is on disk. UIDs are ranges.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: what the server does by itself is not told.
 */

import type { IdRanges } from './rows/uid-ranges.ts';
import type { Owner } from './tree.ts';

export interface FlagsChanged {
  readonly op: 'add' | 'remove' | 'replace';
  /** System flags and keywords, as the command names them. */
  readonly flags: readonly string[];
}

export interface FilingWatch {
  /** Copied or moved; `uids` are those in `target`. */
  filed(owner: Owner, from: number, target: number, uids: IdRanges): void;
  /** Put there from outside. */
  appended?(owner: Owner, mailbox: number, uids: IdRanges): void;
  flagged(owner: Owner, mailbox: number, uids: IdRanges, changes: readonly FlagsChanged[]): void;
}
