/**
 * Asks about what comes back for mail that left: bounces, complaints, unsubscriptions, and mail not sent for them.
 *
 * Runs in: both sides; plain data only.
 */

import type { FeedbackEvent } from './trace-asks.ts';

export const feedbackAsks = {
  /** To a shard. meta: `TellFeedback`; answered when its events are journaled, where that is asked. */
  tell: 'feedback.tell',
} as const;

/** Events of one ask at most. */
export const toldPerAskMax = 100;

export interface TellFeedback {
  readonly events: readonly FeedbackEvent[];
  /** Whether the answer says that they survive a kill. */
  readonly isDurable: boolean;
}
