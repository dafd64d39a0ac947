/**
 * What operators may ask of a server: method, parameters, items, result. The CLI is a client of this table; the
 * admin API over HTTP will be another.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Specs:     RFC 3464 §2.3 (outcomes of recipients), RFC 3463 (status codes).
 */

import type { DnsRecord } from '../../mail/trust/dns-records.ts';
import type { ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { DkimAlgorithm } from '../../ports/account-directory.ts';
import type { Method, Nothing } from './control-method.ts';
import type { DkimMethods } from './dkim-control.ts';
import type { MessageReasons, SiteFacts } from './explain-asks.ts';
import type { ShapingMethods } from './shaping-control.ts';
import type { SourceView } from './source-asks.ts';
import type { SuppressionMethods } from './suppression-control.ts';
import type { SuspensionMethods } from './suspension-control.ts';
import type { TenantMethods } from './tenant-control.ts';
import type { TlsReportMethods } from './tls-report-control.ts';
import type { WebhookMethods } from './webhook-control.ts';

export interface ServerStatus {
  readonly version: string;
  readonly processId: number;
  readonly startedMs: number;
  readonly isReady: boolean;
  /** Listener name → addresses as bound, as `{ smtp: ['127.0.0.1:2525'] }`. */
  readonly listeners: Readonly<Record<string, readonly string[]>>;
}

export interface DomainView {
  readonly name: string;
  readonly tenant: number;
  readonly catchAll?: string;
  readonly createdMs: number;
  readonly accountCount: number;
  readonly aliasCount: number;
}

export interface DomainAnswer {
  readonly domain: DomainView;
  /** What to publish in the DNS. */
  readonly records: readonly DnsRecord[];
}

export interface AccountView {
  readonly address: string;
  readonly id: number;
  readonly tenant: number;
  readonly shard: number;
  readonly isEnabled: boolean;
  readonly hasPassword: boolean;
  /** 0 is no limit. */
  readonly quotaBytes: number;
  readonly quotaMessages: number;
  readonly usedBytes?: number;
  readonly messageCount?: number;
  readonly sendAs: readonly string[];
  readonly createdMs: number;
}

export interface AliasView {
  readonly address: string;
  readonly tenant: number;
  readonly targets: readonly string[];
}

export const queueStates = ['waiting', 'sending', 'held'] as const;
export type QueueState = (typeof queueStates)[number];

export interface QueueRecipient {
  readonly address: string;
  readonly state: QueueState | 'delivered' | 'failed' | 'expired';
  readonly attemptCount: number;
  /** 0: no next try is set. */
  readonly nextAttemptMs: number;
  /** What the last server said, or why it was not reached; "" before the first try. */
  readonly lastReply: string;
  /** What it comes down to; absent before the first try. */
  readonly why?: ResponseClass;
}

export interface QueueEntry {
  readonly id: string;
  readonly tenant: number;
  readonly sender: string;
  readonly bytes: number;
  readonly acceptedMs: number;
  readonly expiresMs: number;
  readonly shard: number;
  readonly recipients: readonly QueueRecipient[];
}

/** Messages with a recipient that waits and fits; only those recipients are acted on. */
export interface RecipientSelection {
  readonly domain?: string;
  /** The whole address, in any case. */
  readonly recipient?: string;
  /** Why it was not taken the last time. */
  readonly why?: ResponseClass;
  /** Stands in the last reply, in any case. */
  readonly replyText?: string;
}

/** Which queued messages a command acts on; all given conditions must hold, and at least one is given. */
export interface QueueSelection extends RecipientSelection {
  readonly ids?: readonly string[];
  readonly sender?: string;
  readonly state?: QueueState;
  readonly campaign?: string;
  /** By name; the server puts its number in its place. */
  readonly tenant?: string;
  readonly tenantId?: number;
  /** Accepted at least so long ago. */
  readonly olderThanMs?: number;
  /** Every queued message. */
  readonly all?: true;
}

export interface CountAnswer {
  readonly count: number;
}

export interface MailboxView {
  readonly name: string;
  readonly id: number;
  readonly role: string;
  readonly messageCount: number;
  readonly unseenCount: number;
  readonly bytes: number;
  readonly uidValidity: number;
}

/** One message of an import's body. */
export interface ImportedMessage {
  readonly bytes: number;
  /** The n-th message with these bytes that the run brings into the mailbox, from 1. */
  readonly occurrence: number;
  /** System flags with their backslash, and keywords; what is neither is left out. */
  readonly flags: readonly string[];
  readonly internalMs: number;
}

export interface ImportedAnswer {
  readonly importedCount: number;
  /** Were in the mailbox before. */
  readonly knownCount: number;
  readonly faults: readonly {
    /** Place in `messages`. */
    readonly index: number;
    readonly code: string;
    readonly detail: string;
  }[];
}

/** An expunged message that can be had back. */
export interface KeptMessage {
  readonly id: number;
  /** As its mailbox was called. */
  readonly mailbox: string;
  readonly expungedMs: number;
  /** Until when it is kept. */
  readonly untilMs: number;
  readonly bytes: number;
  readonly internalMs: number;
  readonly from: string;
  readonly subject: string;
}

/** An exported message, or a piece of a large one; its bytes are the item's body. */
export interface ExportedMessage {
  readonly mailbox: string;
  readonly uid: number;
  readonly internalMs: number;
  readonly flags: readonly string[];
  /** Of the whole message; -1: it went while it was told in pieces. */
  readonly size: number;
  /** Of the body in the message. Pieces come in order; the last one ends at `size`. */
  readonly offset: number;
}

export interface SendAnswer {
  readonly id: string;
  readonly recipients: readonly string[];
}

export interface TraceEvent {
  readonly id: string;
  readonly instantMs: number;
  /** As `accepted`, `delivered`, `deferred`, `bounced`, `stored`. */
  readonly kind: string;
  readonly sender?: string;
  readonly recipient?: string;
  /** Words for people; what the other side said, where somebody said something. */
  readonly detail: string;
}

/** One thing that happened to a message, for programs: fields that say nothing are left out. */
export interface EventView {
  /** Of the event: the same when it is read again. */
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly message: string;
  readonly tenant: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly campaign?: string;
  readonly bytes?: number;
  readonly recipientCount?: number;
  readonly host?: string;
  readonly address?: string;
  readonly source?: string;
  readonly egress?: string;
  readonly provider?: string;
  readonly reply?: string;
  /** Why it was not delivered (`responseClasses`); of what came back, what `FeedbackEvent` has. */
  readonly why?: string;
  readonly stream?: string;
  readonly words?: string;
  readonly from?: string;
  readonly attempts?: number;
  readonly next?: string;
  /** The report's own message. */
  readonly report?: string;
  readonly uid?: number;
  readonly isRepeat?: boolean;
  readonly code?: string;
  readonly listener?: string;
  readonly protocol?: string;
  readonly peer?: string;
  readonly helo?: string;
  readonly user?: string;
  /** Of what is no step of a delivery. */
  readonly what?: string;
  readonly detail?: string;
  readonly by?: string;
}

export interface StoreFinding {
  readonly shard: number;
  readonly segment: string;
  readonly offset: number;
  readonly reason: string;
  /** Messages hit, as far as they can be named. */
  readonly messages: readonly string[];
}

export interface StoreAnswer {
  readonly shardCount: number;
  readonly recordCount: number;
  readonly bytes: number;
  readonly findingCount: number;
}

export interface CompactAnswer {
  readonly shardCount: number;
  readonly segmentsRemoved: number;
  readonly bytesFreed: number;
}

export interface ControlMethods
  extends DkimMethods,
    ShapingMethods,
    SuppressionMethods,
    SuspensionMethods,
    TenantMethods,
    TlsReportMethods,
    WebhookMethods {
  'server.status': Method<Nothing, ServerStatus>;

  'source.list': Method<Nothing, { readonly sources: readonly SourceView[] }>;
  'source.suspend': Method<{ readonly name: string }, Nothing>;
  'source.resume': Method<{ readonly name: string }, Nothing>;
  'source.warmup': Method<{ readonly name: string }, Nothing>;

  'domain.create': Method<
    {
      readonly name: string;
      readonly catchAll?: string;
      readonly tenant?: string;
      readonly signWith?: readonly DkimAlgorithm[];
    },
    DomainAnswer
  >;
  'domain.list': Method<Nothing, { readonly domains: readonly DomainView[] }>;
  'domain.show': Method<{ readonly name: string }, DomainAnswer>;
  /** Refused with `not-possible-now` while it has accounts or aliases. */
  'domain.delete': Method<{ readonly name: string }, Nothing>;

  'account.create': Method<
    {
      readonly address: string;
      /** Absent: nobody can log in until one is set. */
      readonly password?: string;
      readonly quotaBytes?: number;
      readonly quotaMessages?: number;
      readonly sendAs?: readonly string[];
    },
    { readonly account: AccountView }
  >;
  'account.list': Method<
    { readonly domain?: string },
    { readonly accounts: readonly AccountView[] }
  >;
  'account.show': Method<
    { readonly address: string },
    { readonly account: AccountView; readonly aliases: readonly string[] }
  >;
  'account.set': Method<
    {
      readonly address: string;
      readonly isEnabled?: boolean;
      readonly quotaBytes?: number;
      readonly quotaMessages?: number;
      readonly sendAs?: readonly string[];
    },
    { readonly account: AccountView }
  >;
  'account.password': Method<{ readonly address: string; readonly password: string }, Nothing>;
  'account.delete': Method<{ readonly address: string }, Nothing>;

  /** Creates or replaces. */
  'alias.set': Method<
    { readonly address: string; readonly targets: readonly string[]; readonly mustBeNew: boolean },
    { readonly alias: AliasView }
  >;
  'alias.list': Method<{ readonly domain?: string }, { readonly aliases: readonly AliasView[] }>;
  'alias.show': Method<{ readonly address: string }, { readonly alias: AliasView }>;
  'alias.delete': Method<{ readonly address: string }, Nothing>;

  /** Oldest first. `after` is the id the last page ended with. */
  'queue.list': Method<
    Omit<QueueSelection, 'ids' | 'all'> & { readonly after?: string; readonly limit: number },
    {
      readonly entries: readonly QueueEntry[];
      readonly messageCount: number;
      readonly isComplete: boolean;
      /** For `after` of the next page: rows up to it were looked at, be there entries or not. "" where that is all. */
      readonly scannedTo: string;
    }
  >;
  /** What holds a message back, or what the state of the sites of a domain is. */
  'queue.explain': Method<
    { readonly of: string },
    { readonly message?: MessageReasons; readonly sites: readonly SiteFacts[] }
  >;
  'queue.show': Method<
    { readonly id: string },
    { readonly entry: QueueEntry; readonly header: string }
  >;
  'queue.retry': Method<QueueSelection, CountAnswer>;
  'queue.hold': Method<QueueSelection, CountAnswer>;
  'queue.release': Method<QueueSelection, CountAnswer>;
  /** "" takes a message out of its campaign, or leaves its pool to the rules again. */
  'queue.rebind': Method<
    QueueSelection & { readonly toCampaign?: string; readonly toPool?: string },
    CountAnswer
  >;
  'queue.delete': Method<QueueSelection & { readonly withBounce: boolean }, CountAnswer>;
  /** Tries everything that waits (not what is held) now. */
  'queue.flush': Method<Nothing, CountAnswer>;

  'mailbox.list': Method<
    { readonly account: string },
    { readonly mailboxes: readonly MailboxView[] }
  >;
  /** Levels above it are made with it. `mayExist`: one that is there is as good. */
  'mailbox.create': Method<
    { readonly account: string; readonly name: string; readonly mayExist?: boolean },
    { readonly name: string; readonly isNew: boolean }
  >;
  'mailbox.subscribe': Method<{ readonly account: string; readonly name: string }, Nothing>;
  /**
   * The messages are the request's body, one after the other. On disk when it is answered; the same `run` again, or
   * another one, doubles nothing.
   */
  'mailbox.import': Method<
    {
      readonly account: string;
      readonly mailbox: string;
      /** Names the import, as the client likes. */
      readonly run: string;
      readonly messages: readonly ImportedMessage[];
    },
    ImportedAnswer
  >;
  /** Messages of `mailbox`, from `fromUid` up; or of all. */
  'mailbox.export': Method<
    { readonly account: string; readonly mailbox?: string; readonly fromUid?: number },
    CountAnswer,
    ExportedMessage
  >;

  /** Hands out what can be had back, of one mailbox or all; what was expunged last comes first. */
  'mailbox.expunged': Method<
    {
      readonly account: string;
      readonly mailbox?: string;
      /** Only what was expunged since. */
      readonly sinceMs?: number;
    },
    CountAnswer,
    KeptMessage
  >;
  /** Puts messages back where they were, or into the mailbox `to`. The count is of those that are back. */
  'mailbox.undelete': Method<
    { readonly account: string; readonly ids: readonly number[]; readonly to?: string },
    CountAnswer
  >;
  /** Lets go of all that could be had back. */
  'mailbox.purge': Method<{ readonly account: string }, CountAnswer>;

  /** The message is the request's body, CRLF line ends. */
  'message.send': Method<
    { readonly sender: string; readonly recipients: readonly string[] },
    SendAnswer
  >;
  /** The next events of all shards, after a cursor that an earlier answer gave. */
  events: Method<
    { readonly after: string | 'start' | 'end'; readonly limit: number },
    {
      readonly events: readonly EventView[];
      /** For the next call: it holds through restarts. */
      readonly cursor: string;
      /** Events between the cursor and these are kept no more. */
      readonly isCut: boolean;
      readonly hasMore: boolean;
      readonly unread: readonly { readonly shard: number; readonly reason: string }[];
    }
  >;
  /** `of` is a message id or an address; oldest first. */
  trace: Method<
    { readonly of: string; readonly limit: number },
    {
      readonly events: readonly TraceEvent[];
      readonly isComplete: boolean;
      /** Shards that could not be asked, and why: what they know is missing. */
      readonly unread?: readonly { readonly shard: number; readonly reason: string }[];
    }
  >;

  /** `shards` empty is all. Hands out each finding. */
  'store.verify': Method<{ readonly shards: readonly number[] }, StoreAnswer, StoreFinding>;
  'store.rebuild': Method<{ readonly shards: readonly number[] }, StoreAnswer>;
  'store.compact': Method<{ readonly shards: readonly number[] }, CompactAnswer>;
}

export type ControlMethod = keyof ControlMethods;
export type ControlParams<M extends ControlMethod> = ControlMethods[M]['params'];
export type ControlResult<M extends ControlMethod> = ControlMethods[M]['result'];
export type ControlItem<M extends ControlMethod> = ControlMethods[M]['item'];

/** What a handler has besides its parameters. */
export interface ControlCall<Item> {
  /** Bytes that came with the request; empty for most methods. */
  readonly body: Uint8Array;
  /** Aborted when the asker went away. */
  readonly signal: AbortSignal;
  /** Hands out one item; resolves when there is room for the next. `body` is copied or written before that. */
  emit(item: Item, body?: Uint8Array): Promise<void>;
}

/** Throws `MailError`s for what an operator did wrong: `not-found`, `already-exists`, `argument-invalid`, … */
export type ControlHandler<M extends ControlMethod> = (
  params: ControlParams<M>,
  call: ControlCall<ControlItem<M>>,
) => ControlResult<M> | Promise<ControlResult<M>>;

/** Methods a server does not (yet) answer are absent; asking for them is `not-possible-now`. */
export type ControlHandlers = { readonly [M in ControlMethod]?: ControlHandler<M> };
