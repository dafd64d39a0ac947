/**
 * Reads a mail that came back for another, and has the main thread act on it: it knows the keys and writes the list.
 *
 * Runs in:   engine threads.
 * Limits:    `readBytesMax` of the mail are read.
 * Invariant: the mail is done only when what follows from it is on disk: killed before that, it is read again. It is
 *            never answered: it came from the null sender, or its sender is nobody who waits.
 */

import type { Answer, AskUpwards } from '../../actors/ask.ts';
import {
  type FeedbackTaken,
  feedbackAsks,
  type RecipientsFailed,
} from '../../actors/asks/feedback-asks.ts';
import { noShard, systemAsk } from '../../actors/asks/system.ts';
import { concat } from '../../base/bytes.ts';
import { kibibyte } from '../../base/units.ts';
import { readFeedback } from '../../mail/formats/feedback/read-feedback.ts';
import { classOf, type ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { BodySource, RecipientOutcome } from '../delivery/message.ts';
import type { BounceParts } from '../spool/bounce.ts';
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

/** Replies by which a mailbox is not there, whoever sends to it. */
const goneClasses: ReadonlySet<ResponseClass> = new Set(['address', 'domain', 'inactive']);

/** Recipients that a server refused for good while the message was handed over. */
export function createFeed(uplink: AskUpwards, isOn: boolean): NonNullable<BounceParts['feed']> {
  return (message, indexes, outcomes) => {
    if (!isOn) return undefined;
    const recipients: RecipientsFailed['recipients'][number][] = [];
    for (const [place, index] of indexes.entries()) {
      const { state, target, address, reply } = message.recipients[index]!;
      const isGone = state === 'failed' && isSaidGone(outcomes[place]!);
      if (isGone && target.kind === 'remote') recipients.push({ address, reply });
    }
    if (recipients.length === 0) return undefined;
    const failed: RecipientsFailed = { tenant: message.tenant, recipients };
    // What cannot be written now is learnt from the next message to that address.
    return uplink(systemAsk(feedbackAsks.failed, noShard, failed)).then(() => {});
  };
}

function isSaidGone({ status, isOurs, reply }: RecipientOutcome): boolean {
  return status === 'failed' && !isOurs && goneClasses.has(classOf(reply));
}
