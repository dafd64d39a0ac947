/**
 * One accepted message on its way out, as its spool shard holds it in memory.
 *
 * Runs in:   engine thread; owned by one spool actor.
 * Invariant: `waitingCount` is the number of recipients without a final outcome; at 0 the message is done.
 */

import type { DeliveryTerms } from '../../actors/asks/delivery-terms.ts';
import type { BodyType, EnvelopeRecipient } from '../../actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import type { Departure } from '../delivery/message.ts';
import type { RecordPlace } from '../store/record.ts';

/** `waiting` is the only state that is not final. */
export const recipientStates = ['waiting', 'delivered', 'failed', 'expired', 'deleted'] as const;
export type RecipientState = (typeof recipientStates)[number];

export interface SpoolRecipient extends EnvelopeRecipient {
  state: RecipientState;
  /** Attempts that ended. */
  attempts: number;
  /** Epoch milliseconds of the next attempt; meaningless when the state is final. */
  nextMs: number;
  /** The last reply or fault, one line, at most `replyBytesMax`. */
  reply: string;
  /** An attempt is under way. */
  isOpen: boolean;
  /** How its last attempt left, since this message is in memory; absent where no sources are set. */
  departure?: Departure;
  /** Whom it spoke to; absent: nobody. */
  remoteHost?: string;
  remoteAddress?: string;
  /** Why it is on a suppression list, where that ended it. */
  suppressed?: string;
}

export interface SpoolMessage {
  readonly id: MessageId;
  readonly tenant: TenantId;
  readonly acceptedMs: number;
  readonly sender: string;
  readonly recipients: readonly SpoolRecipient[];
  readonly body: BodyType;
  readonly smtputf8: boolean;
  readonly ret: 'full' | 'hdrs' | undefined;
  readonly envid: string;
  /** Its campaign and pool are an operator's to change. */
  terms: DeliveryTerms | undefined;
  /** Where its body lies. */
  readonly place: RecordPlace;
  readonly bytes: number;
  /** The body in memory, a cache: absent once dropped, read again from `place`. */
  parts: readonly Uint8Array[] | undefined;
  waitingCount: number;
  /** Its last outcome is recorded or on its way to the journal: nothing more is recorded of it. */
  isDone: boolean;
  openCount: number;
  /** Changes on their way to the journal: until they are there, its row must not be read in its place. */
  recordingCount: number;
  /** Reports being written: the outcomes they tell of are final, and recorded with them. */
  reportingCount: number;
  /** Its queue row is written: the index holds all that replay would need. */
  isIndexed: boolean;
  /** It is due, and its site has no room: waits among that site's (`ready-reader.ts`). */
  readyGroup: Uint8Array | undefined;
  /** An operator stopped it; it waits without a next instant. */
  isHeld: boolean;
  /** A delayed-delivery notice was sent (RFC 3461 §5.2.3). */
  isDelayTold: boolean;
}

/** When its time to be delivered begins: what the sender holds back does not grow old meanwhile (RFC 4865 §4.3). */
export function releasedMs({ acceptedMs, terms }: Pick<SpoolMessage, 'acceptedMs' | 'terms'>) {
  return Math.max(acceptedMs, terms?.holdUntilMs ?? 0);
}

/**
 * A stranger's mail that an alias leads out. Its tenant's suppression list says whom that tenant shall not write to; that
 * an alias leads somewhere was asked for by who reads there. What strangers provoke by it is not learnt from either.
 */
export function isForwardedMail({ terms }: Pick<SpoolMessage, 'terms'>): boolean {
  // Of mail accepted before this was noted, the return path tells.
  return terms?.isForwarded === true || terms?.returnPath !== undefined;
}

/** What the log and the queue rows keep of a peer's reply. */
const replyBytesMax = 512;

export function countWaiting(message: SpoolMessage): number {
  let count = 0;
  for (const recipient of message.recipients) if (recipient.state === 'waiting') count++;
  return count;
}

export function earliestNextMs(message: SpoolMessage): number {
  let least = Number.POSITIVE_INFINITY;
  for (const recipient of message.recipients) {
    if (recipient.state === 'waiting' && recipient.nextMs < least) least = recipient.nextMs;
  }
  return least;
}

export function clipReply(text: string): string {
  const line = text.replace(/[\r\n\t]+/g, ' ').trim();
  return line.length <= replyBytesMax ? line : `${line.slice(0, replyBytesMax - 1)}…`;
}
