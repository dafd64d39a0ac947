/**
 * What mailbox commands ask of an account and get for it.
 *
 * Runs in: engine threads; plain data.
 */

import type { RecordDraft, RecordPlace } from '../store/record.ts';
import type { AccountActor } from './account-actor.ts';
import type { FlagOp } from './records.ts';
import type { IdRanges } from './rows/uid-ranges.ts';

export interface FlagStep {
  readonly op: FlagOp;
  /** Bits by place in `systemFlags`. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** Only \Seen is set, and for this reader alone, who is not the owner. */
  readonly reader?: number;
}

export interface StoreFlags extends FlagStep {
  readonly mailbox: number;
  readonly uids: IdRanges;
  /** Done to the same messages, on disk with the first. */
  readonly more?: readonly FlagStep[];
  /** Gets the modseqs given to the change. */
  readonly modseqs?: number[];
  /** Messages whose modseq is above are left alone (RFC 7162 §3.1.3), and go to `modified`. */
  readonly unchangedSince?: number;
  readonly modified?: number[];
  /** The server does it by itself. */
  readonly isQuiet?: boolean;
}

/** What a command does to some messages, a record at a time. */
export interface Steps {
  readonly mailbox: number;
  readonly uids: IdRanges;
  /** Changed with it. */
  readonly target?: number;
  /** Of those that are there, which to take. */
  readonly choose?: (uids: IdRanges) => IdRanges;
  readonly countMax: number;
}

/** Flags that copies get besides those that come along: `step` for the n-th copies in `offsets`, ranges from 0. */
export interface CopyFlags {
  readonly offsets: IdRanges;
  readonly step: FlagStep;
}

/** What a copy is besides. */
export interface CopyMore {
  /** By which it is known when it is done again; "": by nothing. */
  readonly id?: string;
  readonly flagsOf?: (sources: IdRanges) => readonly CopyFlags[];
  /** The server does it by itself. */
  readonly isQuiet?: boolean;
}

/** What is to be journaled, the mailboxes it changes, and what the caller gets once it is. */
export interface Decision<T> {
  readonly drafts: readonly RecordDraft[];
  readonly mailboxes: readonly number[];
  /** Room it takes, which others may not take before it is journaled. */
  readonly claimed?: { readonly bytes: number; readonly messages: number };
  readonly value: T;
  /** Called once they are journaled, with their places. */
  readonly written?: (places: readonly RecordPlace[]) => void;
  /** Called once they are journaled, or could not be. */
  readonly settled?: () => void;
}

export type Decide<T> = (actor: AccountActor) => Decision<T>;

export interface CopyAnswer {
  /** Of those that were there, and in the same order where they went (RFC 4315 COPYUID). */
  readonly sources: IdRanges;
  readonly targets: IdRanges;
}
