/**
 * Turns what scripts want of one copy of a message into the records that do it.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5228 §2.10, RFC 5232 §5 (flags), RFC 8580 (copies of answers).
 * Invariant: synchronous; the records of a delivery go in one append, so all of it is done or nothing. One text is
 *            stored once, in however many mailboxes it is. What has no mailbox any more goes to INBOX.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { concat } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { type MessageSummary, summarise } from '../../../mail/formats/mime/summary.ts';
import { editedMessage } from '../../../mail/sieve/message/edited.ts';
import type { RecordDraft, SideBody } from '../../store/record.ts';
import type { AccountActor, DeliveredCopy } from '../account-actor.ts';
import { inboxMailbox, noQuota } from '../account-actor.ts';
import {
  type DeliveryTarget,
  documentDrafts,
  forgetDayOf,
  type Naming,
  type Staged,
  type StagedMessage,
  shifted,
  storedNotes,
} from '../delivery.ts';
import type { AccountNames } from '../names.ts';
import { copiedDraft } from '../records.ts';
import { isHidden, keywordLengthMax } from '../rows/mailbox-row.ts';
import { systemFlags } from '../rows/uid-block.ts';
import { flagStepDraft } from '../sharing-records.ts';
import { snoozedDraft } from '../snooze/records.ts';
import { mailboxOf, roleOf } from './host.ts';
import { type SieveRan, sieveRanDraft } from './records.ts';
import type { WantedPlace } from './wanted.ts';

/** A text on its way into mailboxes. */
export interface FiledText {
  readonly bytes: number;
  readonly summary: MessageSummary;
  readonly hash: Buffer;
  readonly body: readonly Uint8Array[] | SideBody;
  /** At least one. */
  readonly places: readonly WantedPlace[];
  readonly internalMs: number;
}

export interface FilingRequest {
  readonly actor: AccountActor;
  readonly names: AccountNames;
  readonly message: StagedMessage;
  readonly target: DeliveryTarget;
  readonly naming: Naming;
  /** The message's own first, then copies of what was sent. */
  readonly texts: readonly FiledText[];
  /** How many of them are the message's own. */
  readonly ownCount: number;
  readonly memory: Pick<SieveRan, 'remembered' | 'forgotten'> & { readonly settled: () => void };
}

const nowhere: DeliveredCopy = { mailbox: 0, uid: 0, document: 0 };
const noBytes = Buffer.alloc(0);

/** @throws MailError `account-over-quota` */
export function fileTexts(request: FilingRequest): Extract<Staged, { readonly drafts: unknown }> {
  const { actor, names, message, target, naming, texts, memory } = request;
  const { tenant } = message.delivery;
  const row = actor.row();
  const bytes = texts.reduce((sum, text) => sum + text.bytes, 0);
  if (texts.length > 0) actor.claimRoom(bytes, row, texts.length);
  const creation = actor.creation(naming.nowMs, noQuota, row);
  const drafts: RecordDraft[] = creation === undefined ? [] : [creation];
  const mailboxes = new Set<number>();
  let first = nowhere;
  for (const [i, text] of texts.entries()) {
    const isNamed = i === 0 && request.ownCount > 0;
    const copy = fileText(actor, names, naming, drafts, { ...text, isNamed, tenant }, mailboxes);
    if (isNamed) first = copy;
  }
  const { remembered, forgotten } = memory;
  if (first === nowhere || remembered.length > 0) {
    const isUnnamed = first === nowhere;
    const ran = {
      ...{ account: actor.account, modseq: actor.nextModseq(), remembered, forgotten },
      deliveryDay: isUnnamed ? naming.day : 0,
      deliveryHash: isUnnamed ? naming.idHash : noBytes,
      forgetDay: forgetDayOf(naming.nowMs),
    };
    drafts.push(sieveRanDraft(tenant, ran));
  }
  drafts.push(...storedNotes(message.delivery, target, naming.nowMs, first.uid));
  const { settled } = memory;
  return { drafts, bytes, key: naming.key, copy: first, mailboxes: [...mailboxes], row, settled };
}

function fileText(
  actor: AccountActor,
  names: AccountNames,
  naming: Naming,
  drafts: RecordDraft[],
  text: FiledText & { readonly isNamed: boolean; readonly tenant: number },
  mailboxes: Set<number>,
): DeliveredCopy {
  const { account } = actor;
  const tenant = text.tenant as Parameters<typeof copiedDraft>[0];
  const [place, ...others] = distinct(text.places, names);
  const made = documentDrafts(actor, tenant, naming, { ...text, ...place! });
  drafts.push(...made.drafts);
  const { copy } = made;
  mailboxes.add(copy.mailbox);
  if (place!.snoozed !== undefined) {
    drafts.push(snoozeDraft(actor, tenant, place!.snoozed, copy));
  }
  for (const { mailbox, flags, keywords, snoozed } of others) {
    const uid = actor.nextUid(mailbox);
    const from = { account, mailbox: copy.mailbox, uids: [copy.uid, copy.uid] };
    const named = { copyDay: 0, copyHash: noBytes, forgetDay: 0, savedMs: naming.nowMs };
    const moved = { ...from, ...named, modseq: actor.nextModseq(), target: mailbox, firstUid: uid };
    drafts.push(copiedDraft(tenant, moved, false));
    mailboxes.add(mailbox);
    if (snoozed !== undefined) {
      drafts.push(snoozeDraft(actor, tenant, snoozed, { mailbox, uid }));
    }
    if (flags === place!.flags && `${keywords}` === `${place!.keywords}`) continue;
    const there = { account, modseq: actor.nextModseq(), mailbox, uids: [uid, uid] };
    drafts.push(flagStepDraft(tenant, { op: 'replace', flags, keywords }, there));
  }
  return copy;
}

function snoozeDraft(
  actor: AccountActor,
  tenant: Parameters<typeof snoozedDraft>[0],
  { untilMs, addFlags, removeFlags, ...place }: NonNullable<WantedPlace['snoozed']>,
  { mailbox, uid }: Pick<DeliveredCopy, 'mailbox' | 'uid'>,
): RecordDraft {
  const { account } = actor;
  const { mailbox: target = '', mailboxId = '', specialUse = '', create = false } = place;
  const row = [tenant, target, mailboxId, specialUse, create, addFlags, removeFlags] as const;
  const added = [[[untilMs, mailbox, uid], row]] as const;
  return snoozedDraft(tenant, { account, modseq: actor.nextModseq(), added, ended: [] });
}

interface FlaggedMailbox {
  readonly snoozed?: WantedPlace['snoozed'];
  readonly mailbox: number;
  readonly flags: number;
  readonly keywords: readonly string[];
}

/** Two names may lead to one mailbox; what has none goes to INBOX. @throws MailError: but what is not to be seen */
function distinct(places: readonly WantedPlace[], names: AccountNames): FlaggedMailbox[] {
  const found = new Map<number, FlaggedMailbox>();
  for (const place of places) {
    const named = mailboxOf(names, place);
    if (named === 0 && isHidden(roleOf(place.specialUse))) {
      throw new MailError('not-possible-now', `no ${place.mailbox}`);
    }
    const mailbox = named || inboxMailbox;
    if (found.has(mailbox)) continue;
    // In INBOX, for want of another, it is back already.
    const isSnoozed = place.snoozed !== undefined && named !== 0;
    const snoozed = isSnoozed ? { snoozed: place.snoozed } : {};
    found.set(mailbox, { mailbox, ...flagsOf(place.flags ?? []), ...snoozed });
  }
  return [...found.values()];
}

/** A keyword that no mailbox can hold is left out. */
export function flagsOf(texts: readonly string[]): Pick<FlaggedMailbox, 'flags' | 'keywords'> {
  let flags = 0;
  const keywords: string[] = [];
  for (const text of texts) {
    const bit = systemFlags.indexOf(text as (typeof systemFlags)[number]);
    if (bit >= 0) flags |= 1 << bit;
    else if (text.length <= keywordLengthMax) keywords.push(text);
  }
  return { flags, keywords };
}

/** A message's text with edits, its own fields of delivery on top. */
export function editedText(
  stored: Buffer,
  fieldsBytes: number,
  edits: Parameters<typeof editedMessage>[1],
): Pick<FiledText, 'bytes' | 'summary' | 'hash' | 'body'> {
  const parts = editedMessage(stored.subarray(fieldsBytes), edits);
  return wholeText(concat([stored.subarray(0, fieldsBytes), ...parts]), fieldsBytes);
}

export function wholeText(
  bytes: Buffer,
  fieldsBytes = 0,
): Pick<FiledText, 'bytes' | 'summary' | 'hash' | 'body'> {
  const summary = summarise(bytes.subarray(fieldsBytes));
  return {
    bytes: bytes.length,
    summary: { ...summary, parts: shifted(summary.parts, fieldsBytes) },
    hash: hash('sha256', bytes, 'buffer'),
    body: [bytes],
  };
}
