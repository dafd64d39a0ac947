/**
 * What the spool gives to delivery, and what it gets back.
 *
 * Runs in:   engine threads; plain data and one callback.
 * Invariant: each submitted message leads to exactly one call of its callback, with one outcome per recipient in
 *            the recipients' order.
 */

import type { DeliveryTerms } from '../../actors/asks/delivery-terms.ts';
import type { BodyType, Notify } from '../../actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { ClassedReply } from '../../mail/wire/smtp/response-class.ts';
import type { SuppressionReason } from '../../ports/suppressions.ts';

export interface OutboundRecipient {
  readonly address: string;
  readonly notify?: Notify;
  /** RFC 3461 §4.2, as given: `addr-type;xtext`. */
  readonly orcpt?: string;
}

/** The bytes of a message that is not held in memory. */
export interface BodySource {
  readonly bytes: number;
  /** All `length` of them, or it rejects. */
  read(from: number, length: number): Promise<Uint8Array>;
}

export interface OutboundMessage {
  readonly id: MessageId;
  readonly tenant: TenantId;
  /** "" is the null reverse-path. */
  readonly sender: string;
  /** All of one domain. */
  readonly recipients: readonly OutboundRecipient[];
  /**
   * The message in order, with CRLF line ends only (any bytes where `body` is binarymime). Not changed by anybody
   * until the callback came.
   */
  readonly parts: readonly Uint8Array[];
  /** A large message: its bytes instead of `parts`, which are none then. */
  readonly source?: BodySource;
  readonly bytes: number;
  readonly body: BodyType;
  readonly smtputf8: boolean;
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
  readonly terms?: DeliveryTerms | undefined;
  /** Whose it is. Asked before it goes to a connection: an operator may have stopped it while it waited for one. */
  readonly keeper?: { isStopped(id: MessageId): boolean };
  /** Does work on the message that would end the thread if it failed. */
  readonly inHand?: { run(id: MessageId, work: () => void): void };
}

/** What is known of a message before its bytes are read. */
export type ExpectedMessage = Pick<OutboundMessage, 'id' | 'tenant' | 'sender' | 'bytes' | 'terms'>;

export type OutcomeStatus = 'delivered' | 'deferred' | 'failed';

/** How a message left, or would have. */
export interface Departure {
  /** Name of the source. */
  readonly source: string;
  /** The address it was sent from, "" where no connection stood or a proxy does not say. */
  readonly egress: string;
  /** The provider that its site belongs to. */
  readonly provider: string;
}

export interface RecipientOutcome {
  readonly status: OutcomeStatus;
  /** The peer's words, or ours where `isOurs`. */
  readonly reply: ClassedReply;
  /** Whether the reply was made here: no connection, a time-out, a missing capability. */
  readonly isOurs: boolean;
  /** Name of the next hop, "" where none was reached. */
  readonly remoteHost: string;
  readonly remoteAddress: string;
  /**
   * Whether the next hop took over the duty to notify (RFC 3461 §5.2.2). When a delivered recipient asked for
   * success and this is false, a "relayed" notice is ours to send.
   */
  readonly passedDsn: boolean;
  /** Whether it took over the duty to deliver by a time, too (RFC 2852 §4.1.4). */
  readonly passedDeliverBy: boolean;
  /** It was not tried: its tenant's list has it. */
  readonly suppressed?: SuppressionReason;
  /** Absent where no source was chosen. */
  readonly departure?: Departure;
  /** Deferred by us, not by the next hop: no attempt counts, and the next one is not before (epoch milliseconds). */
  readonly notBeforeMs?: number;
}

export interface DeliveryResult {
  readonly outcomes: readonly RecipientOutcome[];
}

export type DeliveryDone = (result: DeliveryResult) => void;

/** A reply of our own making. */
export function ownReply(code: number, enhanced: string, text: string): Reply {
  return { code, enhanced, text };
}

/** An outcome nobody but us decided. */
export function ownOutcome(
  status: OutcomeStatus,
  reply: Reply,
  remoteHost = '',
  remoteAddress = '',
  departure?: Departure,
): RecipientOutcome {
  return {
    ...{ status, reply, isOurs: true, remoteHost, remoteAddress },
    passedDsn: false,
    passedDeliverBy: false,
    ...(departure === undefined ? {} : { departure }),
  };
}
