/**
 * A command's set as an ask carries it.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.4.1 (`$` is messages, whichever numbers the command speaks in).
 */

import type { PackedSet } from '../../../../actors/asks/imap-asks.ts';
import type { SequenceSet } from '../../../../mail/wire/imap/sequence-set.ts';
import type { SelectedMailbox } from '../selected.ts';

export interface AskedSet {
  readonly set: PackedSet;
  /** They are UIDs. */
  readonly isUids: boolean;
}

export function setOf(set: SequenceSet, isUid: boolean, { saved }: SelectedMailbox): AskedSet {
  return set.isSaved ? { set: saved, isUids: true } : { set: set.ranges, isUids: isUid };
}
