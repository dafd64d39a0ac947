/**
 * What threads are made of: messages in the order of their mailbox, by columns, ids and subjects as numbers.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5256 §3 (THREAD).
 */

export interface ThreadMessages {
  readonly count: number;
  readonly sentMs: Float64Array;
  /** Equal numbers are equal base subjects; 0: it is empty. */
  readonly subjects: Uint32Array;
  /** Numbers of subjects are below it. */
  readonly subjectCount: number;
  /** 1: a reply or forward. */
  readonly isReply: Uint8Array;
  /** Of its Message-ID, from 1 on; 0: it has none. */
  readonly ids: Uint32Array;
  /** Where the message's references begin; those of the last end with the list. */
  readonly referencesAt: Uint32Array;
  readonly references: Uint32Array;
  /** Ids are below it. */
  readonly idCount: number;
}

/** Message at `index` stands before the one at `other` among siblings. */
export function compareSent({ sentMs }: ThreadMessages, index: number, other: number): number {
  return sentMs[index]! - sentMs[other]! || index - other;
}
