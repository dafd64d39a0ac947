/**
 * Messages put into a mailbox by its owner, byte for byte: all of a command's, or none.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.3.12 (APPEND), RFC 3502 (MULTIAPPEND), RFC 8508 (REPLACE).
 * Limits:    as for deliveries: an append's id is kept `deliveryDaysKept` days.
 * Invariant: everything is decided before the first await, and goes in one append to the shard: a group commit is on
 *            disk whole or not at all. Done twice under one id, it changes nothing.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { type Failure, failureOf, MailError } from '../../base/errors.ts';
import { type AccountId, type MessageId, messageIdMs, type TenantId } from '../../base/ids.ts';
import { dayMs, secondMs } from '../../base/units.ts';
import { type MessageSummary, summarise } from '../../mail/formats/mime/summary.ts';
import { deliveryHashBytes, deliveryKey, documentKey } from '../store/keys.ts';
import type { RecordDraft, SideBody } from '../store/record.ts';
import { type AccountActor, type DeliveredCopy, noQuota } from './account-actor.ts';
import { type DeliveryOutcome, deliveryDaysKept, type Naming, nameOnce } from './delivery.ts';
import { existing } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { type MovedFrom, nameMoved } from './moved-names.ts';
import { deliveredDraft, expungedDraft, type Keeping, parsedDraft } from './records.ts';
import type { AccountRow } from './rows/account-row.ts';
import { decodeDocument } from './rows/document-row.ts';
import { unpackRow } from './rows/packing.ts';
import { encodeParsed, parsedRowBytesMax } from './rows/parsed-row.ts';
import { rangesOf } from './rows/uid-ranges.ts';
import { seenStoredDraft } from './sharing-records.ts';
import { threadIds } from './thread-finder.ts';

/** What a client says of a message. */
export interface AppendFacts {
  /** Bits by place in `systemFlags`. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalMs: number;
  /** A reader who is not the owner has seen it. */
  readonly seenBy?: number;
}

export interface AppendTarget {
  readonly account: AccountId;
  readonly tenant: TenantId;
  readonly mailbox: number;
  /** Names the append. */
  readonly id: MessageId;
  /** The messages come from another account, and leave it. */
  readonly moved?: MovedFrom;
}

export interface AppendRequest extends AppendTarget, AppendFacts {
  /** Kept as they are, until the append settles. */
  readonly bytes: Uint8Array;
}

/** A message's text and what is worked out of it. */
export interface AppendText {
  readonly bytes: number;
  /** SHA-256. */
  readonly hash: Buffer;
  readonly summary: MessageSummary;
  readonly body: readonly Uint8Array[] | SideBody;
}

export interface AppendGroup extends AppendTarget {
  readonly messages: readonly (AppendFacts & { readonly text: AppendText })[];
  /** Gone once the new message is there. */
  readonly replaced?: { readonly mailbox: number; readonly uid: number };
}

export type AppendOutcome =
  | {
      readonly ok: true;
      /** In the order of the messages. */
      readonly copies: readonly DeliveredCopy[];
      /** It was done before. */
      readonly isRepeat: boolean;
    }
  | Failure;

/** By which one message of an append is known. */
interface AppendName {
  readonly key: string;
  readonly copy: DeliveredCopy;
}

interface StagedAppend {
  readonly drafts: readonly RecordDraft[];
  readonly bytes: number;
  readonly names: readonly AppendName[];
  /** The account as journaled when this was decided. */
  readonly row: AccountRow | undefined;
}

const noBytes = Buffer.alloc(0);

export function textOf(bytes: Uint8Array): AppendText {
  return {
    bytes: bytes.byteLength,
    hash: hash('sha256', bytes, 'buffer'),
    summary: summarise(bytes),
    body: [bytes],
  };
}

export function groupOf(request: AppendRequest): AppendGroup {
  return { ...request, messages: [{ ...request, text: textOf(request.bytes) }] };
}

export interface GroupParts {
  readonly shard: MailboxShard;
  readonly actor: AccountActor;
  readonly nowMs: number;
  /** How long what is replaced can be had back. */
  readonly keeping: { readonly keeping?: Keeping };
  /** At the account's room, after the decision. */
  readonly look: (row: AccountRow | undefined) => void;
  /** What became of one message of the append. */
  readonly settle: (name: AppendName, done: Promise<unknown>) => Promise<DeliveryOutcome>;
}

/** Decides at once, and answers when it is on disk. */
export async function appendGroup(parts: GroupParts, group: AppendGroup): Promise<AppendOutcome> {
  const { shard, actor, look, settle } = parts;
  const named = nameAll(shard, actor, group, group.messages.length);
  const namings = named.filter(isNew);
  if (namings.length === 0) return joined(named.filter(isKnown));
  // Of what is moved some may be there by an earlier try.
  const messages = group.messages.filter((_, i) => isNew(named[i]!));
  let staged: StagedAppend;
  try {
    staged = decide(parts, { ...group, messages }, namings);
  } catch (error) {
    return failureOf(error);
  }
  const done = shard.append(staged.drafts);
  for (const { key, copy } of staged.names) actor.deliveries.set(key, { copy, done });
  actor.track(done, staged.bytes, staged.names.length);
  look(staged.row);
  const settled = new Map<string, DeliveryOutcome>();
  for (const name of staged.names) settled.set(name.key, await settle(name, done));
  const copies: DeliveredCopy[] = [];
  let failed: Failure | undefined;
  for (const one of named) {
    const outcome = isNew(one) ? settled.get(one.key)! : await one.outcome;
    if (outcome.ok) copies.push(outcome);
    else failed ??= outcome;
  }
  return failed ?? { ok: true, copies, isRepeat: false };
}

/** Of the n-th message of an append. */
function appendHash(id: MessageId, mailbox: number, n: number): Buffer {
  // A space cannot be in a recipient's place here: no delivery has this name.
  return hash('sha256', `${id} append ${mailbox} ${n}`, 'buffer').subarray(0, deliveryHashBytes);
}

/** The UID that the n-th message of an append got; 0: there was none. */
export function appendedUid(
  shard: Pick<MailboxShard, 'get'>,
  account: number,
  mailbox: number,
  id: MessageId,
  n: number,
): number {
  const day = Math.floor(messageIdMs(id) / dayMs);
  const known = shard.get(deliveryKey(account, day, appendHash(id, mailbox, n)));
  return known === undefined ? 0 : unpackRow<readonly [number, number]>(known)[1];
}

/** The outcome of the first time, where there was one. */
export function appendedBefore(
  shard: MailboxShard,
  actor: AccountActor,
  target: AppendTarget,
  count: number,
): Promise<AppendOutcome> | undefined {
  const known = nameAll(shard, actor, target, count).filter(isKnown);
  return known.length < count ? undefined : joined(known);
}

type Name = Omit<Naming, 'nowMs'>;
type Known = Extract<ReturnType<typeof nameOnce>, { readonly outcome: unknown }>;

/** What is appended under one id was journaled together, or not at all; what is moved has names one by one. */
function nameAll(
  shard: MailboxShard,
  actor: AccountActor,
  { id, mailbox, moved }: AppendTarget,
  count: number,
): (Name | Known)[] {
  return Array.from({ length: count }, (_, i) =>
    moved === undefined
      ? nameOnce(shard, actor, id, appendHash(id, mailbox, i))
      : nameMoved(shard, actor, { id, mailbox, moved }, i),
  );
}

function isNew(one: Name | Known): one is Name {
  return !('outcome' in one);
}

function isKnown(one: Name | Known): one is Known {
  return 'outcome' in one;
}

async function joined(all: readonly Known[]): Promise<AppendOutcome> {
  const copies: DeliveredCopy[] = [];
  for (const { outcome } of all) {
    const known = await outcome;
    if (!known.ok) return known;
    copies.push(known);
  }
  return { ok: true, copies, isRepeat: true };
}

function decide(
  { shard, actor, nowMs, keeping }: GroupParts,
  group: AppendGroup,
  namings: readonly Name[],
): StagedAppend {
  const { account, tenant, mailbox, messages, replaced } = group;
  const row = actor.row();
  // Deleted since its name was looked up: the record would change nothing, and its body stay.
  if (row !== undefined && actor.mailbox(mailbox) === undefined) {
    throw new MailError('not-found', `mailbox ${mailbox}`);
  }
  const bytes = messages.reduce((sum, { text }) => sum + text.bytes, 0);
  const freedBytes = replaced === undefined ? 0 : freedBy(shard, account, replaced);
  actor.claimRoom(Math.max(0, bytes - freedBytes), row, messages.length - (freedBytes > 0 ? 1 : 0));
  const creation = actor.creation(nowMs, noQuota, row);
  const drafts: RecordDraft[] = creation === undefined ? [] : [creation];
  const names: AppendName[] = [];
  const firstUid = actor.nextUid(mailbox, messages.length);
  const seen: { readonly reader: number; readonly uid: number }[] = [];
  messages.forEach(({ flags, keywords, internalMs, seenBy, text }, i) => {
    const { day, idHash, key } = namings[i]!;
    const ids = threadIds(text.summary);
    const parsed = encodeParsed(text.summary);
    const isLarge = parsed.length > parsedRowBytesMax;
    const copy = { mailbox, uid: firstUid + i, document: actor.nextDocument() };
    const delivered = {
      ...{ account, modseq: actor.nextModseq(), ...copy, thread: actor.thread(ids) },
      ...{ internalMs, hash: text.hash, flags, keywords },
      ...{ deliveryDay: day, deliveryHash: idHash },
      ...{ idHashes: ids.hashes, subjectHash: ids.subject },
      forgetDay: Math.max(0, Math.floor(nowMs / dayMs) - deliveryDaysKept),
      parsed: isLarge ? noBytes : parsed,
      savedMs: Math.abs(nowMs - internalMs) < secondMs ? 0 : nowMs,
    };
    drafts.push(deliveredDraft(tenant, delivered, text.body));
    if (isLarge) drafts.push(parsedDraft(tenant, { account, document: copy.document }, parsed));
    names.push({ key, copy });
    if (seenBy !== undefined) seen.push({ reader: seenBy, uid: copy.uid });
  });
  if (seen.length > 0) {
    // One command has one reader.
    const [{ reader }] = seen as [(typeof seen)[0]];
    const uids = rangesOf(seen.map(({ uid }) => uid));
    const record = { account, modseq: actor.nextModseq(), mailbox, reader, uids, isSeen: true };
    drafts.push(seenStoredDraft(tenant, record));
  }
  if (replaced !== undefined) {
    const { uid } = replaced;
    const modseq = actor.nextModseq();
    const gone = { account, modseq, mailbox: replaced.mailbox, uids: [uid, uid] };
    const record = { ...gone, ...keeping };
    drafts.push(expungedDraft(tenant, record));
  }
  return { drafts, bytes, names, row };
}

/** RFC 8508 §4.1: the room of what goes counts for what comes. @throws MailError `not-possible-now`: it is gone */
function freedBy(
  shard: MailboxShard,
  account: number,
  { mailbox, uid }: { readonly mailbox: number; readonly uid: number },
): number {
  const [old] = existing(shard, account, mailbox, [uid, uid]);
  if (old === undefined) throw new MailError('not-possible-now', `UID ${uid} is gone`);
  const value = shard.get(documentKey(account, old.document));
  const row = value === undefined ? undefined : decodeDocument(value);
  return row?.places.length === 2 ? row.size : 0;
}
