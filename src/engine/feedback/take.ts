/**
 * Reads a mail that came back for another, and has the main thread act on it: it knows the keys and writes the list.
 *
 * Runs in:   engine threads.
 * Limits:    `readBytesMax` of the mail are read.
 * Invariant: the mail is done only when what follows from it is on disk: killed before that, it is read again. It is
 *            never answered: it came from the null sender, or its sender is nobody who waits.
 */

import type { Answer, AskUpwards } from '../../actors/ask.ts';
import { type FeedbackTaken, feedbackAsks } from '../../actors/asks/feedback-asks.ts';
import { noShard, systemAsk } from '../../actors/asks/system.ts';
import { concat } from '../../base/bytes.ts';
import { kibibyte } from '../../base/units.ts';
import { readFeedback } from '../../mail/formats/feedback/read-feedback.ts';
import type { BodySource } from '../delivery/message.ts';
import type { SpoolMessage } from '../spool/message.ts';

const readBytesMax = 256 * kibibyte;

export type TakeFeedback = (
  message: SpoolMessage,
  address: string,
  parts: readonly Uint8Array[],
  source?: BodySource,
) => Promise<Answer>;

export function createTakeFeedback(uplink: AskUpwards): TakeFeedback {
  return async (message, address, parts, source) => {
    const bytes =
      source === undefined
        ? concat(parts).subarray(0, readBytesMax)
        : await source.read(0, Math.min(source.bytes, readBytesMax));
    const taken: FeedbackTaken = {
      to: address,
      id: message.id,
      atMs: message.acceptedMs,
      read: readFeedback(bytes),
    };
    return await uplink(systemAsk(feedbackAsks.take, noShard, taken));
  };
}
