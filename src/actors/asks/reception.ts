/**
 * What a protocol session hands to the engine when a message has come in, and what it gets back.
 *
 * Runs in:   both sides; plain data only.
 * Specs:     RFC 5321 (envelope), RFC 3461 (DSN), RFC 6531 (SMTPUTF8), RFC 3030 (BINARYMIME), RFC 2033 (LMTP).
 */

import type { Failure } from '../../base/errors.ts';
import type { AccountId, MessageId, ShardId, TenantId } from '../../base/ids.ts';
import type { DeliveryTerms } from './delivery-terms.ts';

/** RFC 3461 §4.1. `never` stands alone. */
export interface Notify {
  readonly never: boolean;
  readonly success: boolean;
  readonly failure: boolean;
  readonly delay: boolean;
}

/** Where a recipient's copy goes, decided at RCPT. */
export type RecipientTarget =
  | { readonly kind: 'remote' }
  /** It tells of a message that had left (`engine/feedback`). */
  | { readonly kind: 'feedback' }
  | { readonly kind: 'account'; readonly account: AccountId; readonly shard: ShardId };

export interface EnvelopeRecipient {
  /** local-part@domain; the domain in lower case A- or U-labels as given, the local part untouched. */
  readonly address: string;
  readonly target: RecipientTarget;
  readonly notify?: Notify;
  /** RFC 3461 §4.2, as given: `addr-type;xtext`. */
  readonly orcpt?: string;
}

export const bodyTypes = ['7bit', '8bitmime', 'binarymime'] as const;
export type BodyType = (typeof bodyTypes)[number];

export interface Envelope {
  /** "" is the null reverse-path. */
  readonly sender: string;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly body: BodyType;
  readonly smtputf8: boolean;
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
  /** Absent: the usual. */
  readonly terms?: DeliveryTerms;
}

/** What filters found about the stranger that brought a message (`edge/filters`). */
export interface FilterMarks {
  /** Below 0 speaks for it. */
  readonly points: number;
  /** As `list:zen=5`, `helo.bareAddress=2`, `greylist:passed`; bounded in number and length. */
  readonly words: readonly string[];
}

/** A conversation about the session that goes on through its message (`ports/carried-scans.ts`). */
export type CarriedScan = readonly [scanner: string, id: number];

/** How the message came: for Received, policy and traces. */
export interface Arrival {
  readonly id: MessageId;
  readonly receivedMs: number;
  readonly listener: 'smtp' | 'submission' | 'lmtp' | 'socket' | 'http';
  /** RFC 3848 and RFC 6531 `with` word: ESMTP, ESMTPS, ESMTPSA, UTF8SMTPS, LMTP… */
  readonly protocol: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  /** The EHLO or HELO argument, printable ASCII or UTF-8, at most 255 bytes. */
  readonly helo: string;
  readonly tls?: { readonly version: string; readonly cipher: string };
  /** Address of the account that logged in. */
  readonly user?: string;
  /** Logged in or from `relay.networks`: nothing is verified. */
  readonly trusted: boolean;
  readonly tenant: TenantId;
  /** Absent: nobody was asked about its client. */
  readonly filters?: FilterMarks;
  /** Absent: none. */
  readonly carried?: readonly CarriedScan[];
}

export interface ReceivedMessage {
  readonly envelope: Envelope;
  readonly arrival: Arrival;
  /**
   * The message in SMTP's canonical form: CRLF line ends, dots unstuffed, the final line ended. In order, not
   * copied yet: the receiver of this object reads them until the answer came, the sender does not touch them again.
   */
  readonly body: readonly Uint8Array[];
  readonly bodyBytes: number;
  /** What From may name, where that is not `arrival.user`'s own: addresses in lower case, `*@domain` is a domain. */
  readonly fromAllowed?: readonly string[];
  /** Handed in with this key again, it is the same message (`edge/guard/idempotency.ts` makes it). */
  readonly idempotency?: string;
  /** A large message: its shards have its text already, and `body` is empty. */
  readonly stream?: BodyStream;
}

/** A large message's text on its way to the shards that will accept it. */
export interface BodyStream {
  readonly id: MessageId;
  /** Why nothing more can be taken: it is told at the message's end. */
  readonly failure: Failure | undefined;
  /** Bytes that are in the edge's memory. */
  readonly heldBytes: number;
  /** True: give nothing more before `whenReady`. */
  readonly isFull: boolean;
  /** Takes the next parts of the text. */
  push(parts: readonly Uint8Array[]): void;
  /** Calls back once, when the stream is no longer full. */
  whenReady(run: () => void): void;
  /** All of the text was pushed. One answer for each recipient of the message. */
  finish(
    message: ReceivedMessage,
    fromAllowed: readonly string[],
    deadlineMs: number,
  ): Promise<readonly AcceptAnswer[]>;
  /** Nobody wants the message any more; nothing where it was finished. */
  abort(): void;
}

/** After `ok`, the message is on disk and Chaski's responsibility. */
export type AcceptAnswer =
  | {
      readonly ok: true;
      /** With an idempotency key: the message that was accepted with it first, this one or another. */
      readonly earlierId?: MessageId;
    }
  | Failure;

/**
 * The way in for messages, as sessions see it.
 *
 * `reserve` claims room in the byte budget before the bytes come (at MAIL, from SIZE, else step by step) and answers
 * a failure at once when there is none; what was reserved is given back by `accept`'s answer or by `release`.
 */
export interface Reception {
  nextId(): MessageId;
  /**
   * For a message of more than `largeBodyBytesMin`, once so much of it has come. With `isEach` it ends with
   * `acceptEach`, else with `accept`.
   */
  openBody(recipients: readonly EnvelopeRecipient[], isEach: boolean): BodyStream;
  reserve(bytes: number): Failure | undefined;
  release(bytes: number): void;
  /** One answer for SMTP; rejects never. `reservedBytes` is what the session holds for this message. */
  accept(message: ReceivedMessage, reservedBytes: number): Promise<AcceptAnswer>;
  /** How long until the tenant may hand in so many messages; 0: now. */
  quotaWaitMs(tenant: TenantId, count: number): number;
  /** What `accept` would answer as things stand; nothing is kept. Its text is whole in `body`. */
  judge(message: ReceivedMessage): Promise<AcceptAnswer>;
  /** LMTP: one answer per recipient, in order. */
  acceptEach(message: ReceivedMessage, reservedBytes: number): Promise<readonly AcceptAnswer[]>;
}
