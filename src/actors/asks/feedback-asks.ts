/**
 * Asks about what comes back for mail that left: bounces, complaints, unsubscriptions, and mail not sent for them.
 *
 * Runs in: both sides; plain data only.
 */

import type { FeedbackRead } from '../../mail/formats/feedback/read-feedback.ts';
import type { FeedbackEvent } from './trace-asks.ts';

export const feedbackAsks = {
  /** To a shard. meta: `TellFeedback`; answered when its events are journaled, where that is asked. */
  tell: 'feedback.tell',
  /** To the main thread. meta: `FeedbackTaken`; answered when what follows from it is on disk. */
  take: 'feedback.take',
  /** To the main thread. meta: `RecipientsFailed`; answered when what follows from it is on disk. */
  failed: 'feedback.failed',
} as const;

/** Events of one ask at most. */
export const toldPerAskMax = 100;

export interface TellFeedback {
  readonly events: readonly FeedbackEvent[];
  /** Whether the answer says that they survive a kill. */
  readonly isDurable: boolean;
}

/** A mail that came to one of our own addresses. */
export interface FeedbackTaken {
  /** The address. */
  readonly to: string;
  /** Of the mail itself. */
  readonly id: string;
  readonly atMs: number;
  readonly read: FeedbackRead;
}

/** Servers said for good that these are not there. */
export interface RecipientsFailed {
  readonly tenant: number;
  readonly recipients: readonly { readonly address: string; readonly reply: string }[];
}
