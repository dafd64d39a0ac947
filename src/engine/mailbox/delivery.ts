/**
 * Local delivery: one message into the INBOX of each of its accounts on this shard, in one append.
 *
 * Runs in:   the engine thread that owns the shard (hot path; bench/micro/deliver.ts).
 * Specs:     RFC 5321 §4.4 (Return-Path), RFC 2033 (one outcome per recipient).
 * Limits:    delivery ids are kept `deliveryDaysKept` days from the message's acceptance: longer than a spool tries.
 * Invariant: everything is decided before the first await, so that all deliveries of a parcel share a group commit.
 *            The same message for the same recipient changes nothing the second time: its outcome is read.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { eventNumbers, type StoredEvent } from '../../actors/asks/trace-asks.ts';
import { assert } from '../../base/assert.ts';
import { concat } from '../../base/bytes.ts';
import { type Failure, failureOf, MailError } from '../../base/errors.ts';
import { type AccountId, type MessageId, messageIdMs, type TenantId } from '../../base/ids.ts';
import { dayMs, minuteMs } from '../../base/units.ts';
import type { PartPlace } from '../../mail/formats/mime/part-table.ts';
import type { MessageSummary } from '../../mail/formats/mime/summary.ts';
import { notedDraft } from '../events/noted.ts';
import { deliveryHashBytes, deliveryKey } from '../store/keys.ts';
import type { RecordDraft, SideBody } from '../store/record.ts';
import {
  type AccountActor,
  type DeliveredCopy,
  type DeliveryUnderWay,
  inboxMailbox,
  noQuota,
} from './account-actor.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { deliveredDraft, parsedDraft } from './records.ts';
import type { AccountRow } from './rows/account-row.ts';
import { unpackRow } from './rows/packing.ts';
import { encodeParsed, parsedRowBytesMax } from './rows/parsed-row.ts';
import type { Wanted } from './sieve/wanted.ts';
import { threadIds } from './thread-finder.ts';
import { deliveryFields } from './trace-fields.ts';

export const deliveryDaysKept = 30;

/** What came later than this after it was received has a save date of its own: the others need no row for it. */
const lateMs = minuteMs;

export interface DeliveryTarget {
  readonly account: AccountId;
  /** As given at RCPT: with the message's id it names the delivery. */
  readonly recipient: string;
  /** Of a large message: this target's copy is on disk already. */
  readonly body?: WrittenBody;
  /** Of a large message, where scripts were run: what they want, and its texts on disk. */
  readonly filed?: FiledMessage;
  /** Of a large message: why there are no files for this target. */
  readonly failed?: Failure;
}

/** A large message as scripts want it. */
export interface FiledMessage {
  readonly wanted: Wanted;
  /** Its beginning, the whole header with it. */
  readonly head: Uint8Array;
  /** Of each copy, in order; of the one in INBOX where all else is to go on. */
  readonly texts: readonly WrittenText[];
  /** Of each redirect, in order. */
  readonly redirects: readonly WrittenRedirect[];
}

export interface WrittenRedirect {
  readonly body: SideBody;
  /** ASCII throughout: a next hop needs no 8BITMIME. */
  readonly isSevenBit: boolean;
}

export interface WrittenText {
  readonly bytes: number;
  readonly summary: MessageSummary;
  /** SHA-256 of all of it. */
  readonly hash: Buffer;
  readonly body: SideBody;
}

/** A copy with the fields of final delivery on top, in a file of its own. */
export interface WrittenBody {
  readonly side: SideBody;
  /** SHA-256 of all of it. */
  readonly hash: Buffer;
  readonly fieldsBytes: number;
}

export interface Delivery {
  readonly id: MessageId;
  readonly tenant: TenantId;
  /** "" is the null reverse-path. */
  readonly sender: string;
  readonly receivedMs: number;
  readonly targets: readonly DeliveryTarget[];
  /** How it came in, where this is its acceptance: listener, protocol, peer, EHLO name, user. Absent for copies. */
  readonly origin?: readonly [string, string, string, string, string];
  readonly campaign?: string;
  /**
   * The message as it is to be stored, without the fields of final delivery. Empty where each target has its copy; or
   * where the text is lost, and only a delivery that was done before has an outcome.
   */
  readonly parts: readonly Uint8Array[];
  /** Of a large message, whose text is in memory no longer. */
  readonly summary?: MessageSummary;
}

export type DeliveryOutcome =
  | (DeliveredCopy & {
      readonly ok: true;
      /** The delivery was done before. */
      readonly isRepeat: boolean;
    })
  | Failure;

/** One target as decided: its records, or an outcome that needs none. */
export type Staged =
  | { readonly outcome: Promise<DeliveryOutcome> | DeliveryOutcome }
  | {
      readonly drafts: readonly RecordDraft[];
      readonly bytes: number;
      readonly key: string;
      readonly copy: DeliveredCopy;
      /** Those it goes into. */
      readonly mailboxes: readonly number[];
      /** The account as journaled when this was decided. */
      readonly row: AccountRow | undefined;
      /** Called once that is journaled, or could not be. */
      readonly settled?: () => void;
    };

export type Summarise = (message: Uint8Array) => MessageSummary;

/** A message and what is worked out of it once, whoever gets it. */
export class StagedMessage {
  readonly delivery: Delivery;
  readonly #summarise: Summarise;
  #summary: MessageSummary | undefined;

  constructor(delivery: Delivery, summarise: Summarise) {
    this.delivery = delivery;
    this.#summarise = summarise;
    this.#summary = delivery.summary;
  }

  /** `fieldsBytes` at the start of `stored` are this copy's own; places of parts count them. */
  summary(stored: Buffer | undefined, fieldsBytes: number): MessageSummary {
    assert(this.#summary !== undefined || stored !== undefined, 'nothing to make a summary of');
    this.#summary ??= this.#summarise(stored!.subarray(fieldsBytes));
    return { ...this.#summary, parts: shifted(this.#summary.parts, fieldsBytes) };
  }
}

/** Decides one target. Everything is in memory; nothing is written. */
export function stage(
  shard: MailboxShard,
  actor: AccountActor,
  message: StagedMessage,
  target: DeliveryTarget,
  nowMs: number,
): Staged {
  const { delivery } = message;
  try {
    const named = nameOnce(shard, actor, delivery.id, deliveryHash(delivery.id, target.recipient));
    if ('outcome' in named) return named;
    return decide(actor, message, target, { nowMs, ...named });
  } catch (error) {
    return { outcome: failureOf(error) };
  }
}

export interface Naming {
  readonly nowMs: number;
  readonly day: number;
  readonly idHash: Buffer;
  readonly key: string;
}

/**
 * The names under which a message is remembered, or the outcome of the first time it came by them: under the day of its
 * id, or one of `daysBefore`.
 */
export function nameOnce(
  shard: MailboxShard,
  actor: AccountActor,
  id: MessageId,
  idHash: Buffer,
  daysBefore = 0,
): Omit<Naming, 'nowMs'> | Extract<Staged, { readonly outcome: unknown }> {
  const key = idHash.toString('latin1');
  const underWay = actor.deliveries.get(key);
  if (underWay !== undefined) return { outcome: repeated(underWay) };
  const day = Math.floor(messageIdMs(id) / dayMs);
  for (let past = 0; past <= daysBefore; past++) {
    const known = shard.get(deliveryKey(actor.account, day - past, idHash));
    if (known === undefined) continue;
    const [mailbox, uid, document] = unpackRow<readonly [number, number, number]>(known);
    return { outcome: { ok: true, mailbox, uid, document, isRepeat: true } };
  }
  return { day, idHash, key };
}

function decide(
  actor: AccountActor,
  message: StagedMessage,
  target: DeliveryTarget,
  naming: Naming,
): Staged {
  const { delivery } = message;
  const { stored, bytes, fieldsBytes } = copyOf(delivery, target);
  const row = actor.row();
  actor.claimRoom(bytes, row);
  const creation = actor.creation(naming.nowMs, noQuota, row);
  const { drafts, copy } = documentDrafts(actor, delivery.tenant, naming, {
    ...{ mailbox: inboxMailbox, flags: 0, keywords: [] },
    internalMs: delivery.receivedMs,
    isNamed: true,
    summary: message.summary(stored, fieldsBytes),
    hash: target.body?.hash ?? hash('sha256', stored!, 'buffer'),
    body: target.body?.side ?? [stored!],
  });
  if (creation !== undefined) drafts.unshift(creation);
  const { uid, mailbox } = copy;
  drafts.push(...storedNotes(delivery, target, naming.nowMs, uid));
  return { drafts, bytes, key: naming.key, copy, mailboxes: [mailbox], row };
}

export interface NewDocument {
  readonly mailbox: number;
  /** Bits by place in `systemFlags`. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalMs: number;
  /** It is the one that the delivery is known by. */
  readonly isNamed: boolean;
  /** With places as in the body. */
  readonly summary: MessageSummary;
  /** SHA-256 of the body. */
  readonly hash: Buffer;
  readonly body: readonly Uint8Array[] | SideBody;
}

/** The records of one message put into one mailbox. @throws MailError `not-found`: the mailbox ends */
export function documentDrafts(
  actor: AccountActor,
  tenant: TenantId,
  naming: Naming,
  made: NewDocument,
): { readonly drafts: RecordDraft[]; readonly copy: DeliveredCopy } {
  const { mailbox, flags, keywords, internalMs, isNamed, summary, body } = made;
  const { nowMs } = naming;
  const ids = threadIds(summary);
  const parsed = encodeParsed(summary);
  const isLarge = parsed.length > parsedRowBytesMax;
  const isLate = nowMs - internalMs > lateMs;
  const uid = actor.nextUid(mailbox);
  const document = actor.nextDocument();
  const { account } = actor;
  const delivered = deliveredDraft(
    tenant,
    {
      ...{ account, mailbox, uid, document, internalMs, flags, keywords },
      modseq: actor.nextModseq(),
      thread: actor.thread(ids),
      hash: made.hash,
      deliveryDay: isNamed ? naming.day : 0,
      deliveryHash: isNamed ? naming.idHash : noBytes,
      idHashes: ids.hashes,
      subjectHash: ids.subject,
      forgetDay: forgetDayOf(nowMs),
      parsed: isLarge ? noBytes : parsed,
      savedMs: isLate ? nowMs : 0,
    },
    body,
  );
  const drafts = [delivered];
  if (isLarge) drafts.push(parsedDraft(tenant, { account, document }, parsed));
  return { drafts, copy: { mailbox, uid, document } };
}

/** Names of deliveries from before that day are asked for no more. */
export function forgetDayOf(nowMs: number): number {
  return Math.max(0, Math.floor(nowMs / dayMs) - deliveryDaysKept);
}

/** What is told of a message accepted by being stored; `uid` 0: its account's script kept nothing of it. */
export function storedNotes(
  { origin, campaign = '', id, tenant, sender }: Delivery,
  { recipient }: DeliveryTarget,
  nowMs: number,
  uid: number,
): RecordDraft[] {
  if (origin === undefined) return [];
  const head = [eventNumbers.stored, nowMs, id, tenant, sender] as const;
  const event = [...head, [recipient], uid, false, ...origin, campaign] as const;
  return [notedDraft(tenant, event satisfies StoredEvent)];
}

export interface Copy {
  /** Absent where the copy is on disk. */
  readonly stored?: Buffer;
  readonly bytes: number;
  readonly fieldsBytes: number;
}

export function copyOf(delivery: Delivery, { recipient, body }: DeliveryTarget): Copy {
  if (body !== undefined) return { bytes: body.side.bodyBytes, fieldsBytes: body.fieldsBytes };
  if (delivery.parts.length === 0) throw new MailError('store-failed', 'the text is lost');
  const fields = deliveryFields(delivery.sender, recipient);
  const stored = concat([fields, ...delivery.parts]);
  return { stored, bytes: stored.length, fieldsBytes: fields.length };
}

const noBytes = Buffer.alloc(0);

export function deliveryHash(id: MessageId, recipient: string): Buffer {
  // Not a fast hash: two deliveries taken for one would lose a message.
  return hash('sha256', `${id} ${recipient}`, 'buffer').subarray(0, deliveryHashBytes);
}

async function repeated(underWay: DeliveryUnderWay): Promise<DeliveryOutcome> {
  try {
    await underWay.done;
    return { ok: true, ...underWay.copy, isRepeat: true };
  } catch (error) {
    return failureOf(error);
  }
}

/** The fields on top belong to the message's own header, which still starts at 0. */
export function shifted(parts: readonly PartPlace[], bytes: number): PartPlace[] {
  return parts.map((part) => ({
    ...part,
    headerStart: part.headerStart === 0 ? 0 : part.headerStart + bytes,
    bodyStart: part.bodyStart + bytes,
    bodyEnd: part.bodyEnd + bytes,
    textStart: part.textStart < 0 ? part.textStart : part.textStart + bytes,
  }));
}
