/**
 * Delivers one copy of a message as its account's scripts want it.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5228 §2.10, RFC 5429 §2 (a refusal is the delivery's answer), RFC 5490 §3.2 (mailboxes made).
 * Invariant: what scripts send is accepted by the append that stores the message and remembers both: killed before it,
 *            nothing happened; after it, all did. What can be decided at once is, with the others of its parcel.
 */

import { hash } from 'node:crypto';
import { failure, failureOf } from '../../../base/errors.ts';
import type { AccountId } from '../../../base/ids.ts';
import { fieldName, findField } from '../../../mail/formats/headers/fields.ts';
import { scanHeaders } from '../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../mail/formats/headers/unfold.ts';
import type { Filing } from '../../../mail/sieve/run/actions.ts';
import type { Script } from '../../../mail/sieve/run/machine.ts';
import { inbox } from '../../../mail/wire/imap/mailbox-name.ts';
import type { MadeMessage } from '../../spool/made.ts';
import { type AccountActor, noQuota } from '../account-actor.ts';
import type { Decide } from '../decisions.ts';
import {
  type Copy,
  copyOf,
  type Delivery,
  type DeliveryTarget,
  deliveryHash,
  type Naming,
  nameOnce,
  type Staged,
  type StagedMessage,
} from '../delivery.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { DeliveryFilters } from './delivery-filters.ts';
import { editedText, type FiledText, fileTexts, wholeText } from './filing.ts';
import { keptInstead } from './filters.ts';
import { type HostFacts, mailboxOf } from './host.ts';
import { mailboxMadeFor } from './making.ts';
import type { ToRemember } from './memory.ts';
import { makeOutgoing, type Sent } from './outgoing.ts';
import type { Wanted } from './wanted.ts';

export interface FilteredRequest {
  readonly shard: MailboxShard;
  readonly actor: AccountActor;
  readonly message: StagedMessage;
  readonly target: DeliveryTarget;
  readonly scripts: readonly Script[];
  readonly nowMs: number;
  /** Of the account, alone. */
  readonly decide: <T>(decide: Decide<T>) => Promise<T>;
}

const messageIdName = fieldName('message-id');
const deliveredToName = fieldName('delivered-to');

type StagedDrafts = Extract<Staged, { readonly drafts: unknown }>;

/** What is to be staged once others were asked. */
export interface LateStage {
  /** To be called in the turn of its append. @throws MailError */
  readonly stage: () => StagedDrafts;
  /** Accepted by the same append. */
  readonly made: readonly MadeMessage[];
}

export type FilteredStage =
  | Staged
  | {
      readonly key: string;
      /** Rejects with MailError. */
      readonly later: Promise<LateStage>;
      /** Called once it is over, however it went. */
      readonly settled: () => void;
    };

/** One copy on its way. */
interface Filtering extends FilteredRequest {
  readonly naming: Naming;
  readonly wanted: Wanted;
  /** Absent: its text is in files. */
  readonly copy?: Copy;
}

export function filterCopy(parts: DeliveryFilters, request: FilteredRequest): FilteredStage {
  const { shard, actor, message, target, nowMs } = request;
  const { delivery } = message;
  if (target.failed !== undefined) return { outcome: target.failed };
  try {
    const idHash = deliveryHash(delivery.id, target.recipient);
    const named = nameOnce(shard, actor, delivery.id, idHash);
    if ('outcome' in named) return named;
    const copy = target.filed === undefined ? { copy: copyOf(delivery, target) } : {};
    const wanted = wantedBy(parts, request, copy.copy);
    if (wanted.refusal !== undefined) {
      return { outcome: failure('recipient-refused', wanted.refusal) };
    }
    const filtering = { ...request, naming: { nowMs, ...named }, wanted, ...copy };
    // Remembered from here on: the same sender's next message finds it answered.
    const memory = parts.memory.remember(actor.account, toRemember(wanted), nowMs);
    const { settled } = memory;
    if (mustWait(parts, filtering)) {
      return { key: named.key, later: prepared(parts, filtering, memory), settled };
    }
    try {
      return staged(parts, filtering, wanted, [], memory);
    } catch (error) {
      // Else what was not delivered would be remembered, and the next try taken for a repeat.
      settled();
      throw error;
    }
  } catch (error) {
    return { outcome: failureOf(error) };
  }
}

function wantedBy(
  parts: DeliveryFilters,
  { actor, message, target, scripts, nowMs }: FilteredRequest,
  copy: Copy | undefined,
): Wanted {
  const { head, wanted } = target.filed ?? { head: copy!.stored!.subarray(copy!.fieldsBytes) };
  const facts = hostFacts(message.delivery, target, nowMs);
  const all = wanted ?? parts.filters.run(scripts, facts, head, head.length);
  const marked = all.redirects.length === 0 ? all : onceOnly(parts, actor, all, head, nowMs);
  return withoutKnownAnswer(parts, actor, marked, nowMs);
}

/** For so long the same message goes on once. */
const redirectSeconds = 12 * 3_600;

/**
 * A message goes on from an account once, wherever to; after that it is kept: where accounts send mail on to each
 * other, copies would multiply with each way there is. No script can change its Message-ID. One without goes on where
 * nobody sent it on before.
 */
function onceOnly(
  { memory }: DeliveryFilters,
  { account }: AccountActor,
  wanted: Wanted,
  text: Uint8Array,
  nowMs: number,
): Wanted {
  const scan = scanHeaders(text);
  const field = findField(scan, messageIdName);
  const name = field < 0 ? '' : unfoldedValue(scan, field).trim();
  if (name === '') return findField(scan, deliveredToName) < 0 ? wanted : keptInstead(wanted);
  const mark = { key: `redirect ${name}`, seconds: redirectSeconds };
  const isKnown = memory.find(account, mark.key, nowMs) !== undefined;
  return isKnown ? keptInstead(wanted) : { ...wanted, sentOn: [mark] };
}

export function hostFacts(
  { sender, origin }: Delivery,
  { account, recipient }: Pick<DeliveryTarget, 'account' | 'recipient'>,
  nowMs: number,
): HostFacts {
  const [listener, , peerAddress, helo, user] = origin ?? [];
  const isOwn = listener === 'socket' && sender === '';
  return {
    ...{ account, sender, recipient, nowMs },
    ...(user === undefined || user === '' ? {} : { user }),
    ...(isOwn ? { isOwn } : {}),
    ...(peerAddress === undefined ? {} : { peerAddress }),
    ...(helo === undefined ? {} : { helo }),
  };
}

/** RFC 5230 §4.2: who had the answer lately does not get it again. */
function withoutKnownAnswer(
  { memory }: DeliveryFilters,
  actor: AccountActor,
  wanted: Wanted,
  nowMs: number,
): Wanted {
  if (wanted.answer === undefined) return wanted;
  if (memory.find(actor.account, answerKey(wanted.answer), nowMs) === undefined) return wanted;
  const { answer: _known, ...rest } = wanted;
  return rest;
}

function answerKey({ handle, to }: NonNullable<Wanted['answer']>): string {
  return `answer ${JSON.stringify([handle, to.toLowerCase()])}`;
}

function toRemember({ marks, answer, sentOn = [] }: Wanted): ToRemember[] {
  const list: ToRemember[] = [
    ...marks.map(({ key, seconds }) => ({ key: `duplicate ${key}`, seconds })),
    ...sentOn,
  ];
  if (answer !== undefined) list.push({ key: answerKey(answer), seconds: answer.seconds });
  return list;
}

function mustWait(parts: DeliveryFilters, { actor, wanted }: Filtering): boolean {
  const { redirects, notices, answer } = wanted;
  if (redirects.length + notices.length > 0 || answer !== undefined) return true;
  return isMissing(parts, actor, wanted);
}

/** Whether a mailbox has to be made, or the account that is to have one. */
function isMissing({ names }: DeliveryFilters, actor: AccountActor, wanted: Wanted): boolean {
  const own = names.of(actor.account);
  const isNew = actor.row() === undefined;
  return placesOf(wanted).some((place) => {
    if (isNew) return place.mailbox !== inbox || place.specialUse !== undefined;
    return place.create === true && mailboxOf(own, place) === 0;
  });
}

function placesOf({ copies, answer, notices }: Wanted): Filing[] {
  const own = copies.flatMap(({ places }) => places);
  const sent = [answer, ...notices].flatMap((each) => each?.fcc ?? []);
  return [...own, ...sent];
}

async function prepared(
  parts: DeliveryFilters,
  filtering: Filtering,
  memory: Memory,
): Promise<LateStage> {
  const { message, target, actor, wanted, copy } = filtering;
  const { tenant, sender } = message.delivery;
  await makeMailboxes(parts, filtering);
  const text = copy === undefined ? target.filed!.head : copy.stored!.subarray(copy.fieldsBytes);
  const { account } = actor;
  const occasion = { tenant, account, sender, recipient: target.recipient, text };
  const sent = await makeOutgoing(parts.outgoing, occasion, wanted, target.filed?.redirects);
  const own = sent.isStuck ? keptInstead(wanted) : wanted;
  const extra = copiesOfSent(wanted, sent, filtering.naming.nowMs);
  return { made: sent.made, stage: () => staged(parts, filtering, own, extra, memory) };
}

/** Those that cannot be made are not: the copy goes to INBOX. */
async function makeMailboxes(parts: DeliveryFilters, filtering: Filtering): Promise<void> {
  const { names, tree } = parts;
  const { actor, wanted, naming, decide } = filtering;
  const { account, tenant } = actor;
  if (!isMissing(parts, actor, wanted)) return;
  await decide((own) => {
    const creation = own.creation(naming.nowMs, noQuota);
    return { drafts: creation === undefined ? [] : [creation], mailboxes: [], value: undefined };
  });
  const owner = { account: account as AccountId, tenant };
  for (const place of placesOf(wanted)) await mailboxMadeFor({ names, tree }, owner, place);
}

type Memory = ReturnType<DeliveryFilters['memory']['remember']>;

function staged(
  { names }: DeliveryFilters,
  filtering: Filtering,
  wanted: Wanted,
  extra: readonly FiledText[],
  memory: Memory,
): StagedDrafts {
  const { actor, message, target, naming } = filtering;
  const own = ownTexts(filtering, wanted);
  return fileTexts({
    ...{ actor, message, target, naming, memory },
    names: names.of(actor.account),
    texts: [...own, ...extra],
    ownCount: own.length,
  });
}

function ownTexts({ message, target, copy }: Filtering, { copies }: Wanted): FiledText[] {
  const internalMs = message.delivery.receivedMs;
  return copies.map(({ edits, places }, i): FiledText => {
    const filed = { places, internalMs };
    if (copy === undefined) return { ...target.filed!.texts[i]!, ...filed };
    const stored = copy.stored!;
    if (edits.length > 0) return { ...editedText(stored, copy.fieldsBytes, edits), ...filed };
    const summary = message.summary(stored, copy.fieldsBytes);
    const { bytes } = copy;
    return { ...filed, bytes, summary, hash: hash('sha256', stored, 'buffer'), body: [stored] };
  });
}

/** RFC 8580: what was sent, where its sender keeps such mail. */
function copiesOfSent(wanted: Wanted, sent: Sent, internalMs: number): FiledText[] {
  const copies: FiledText[] = [];
  const add = (bytes: Uint8Array | undefined, fcc: Filing | undefined) => {
    if (bytes === undefined || fcc === undefined) return;
    copies.push({ ...wholeText(Buffer.from(bytes)), places: [fcc], internalMs });
  };
  add(sent.answer, wanted.answer?.fcc);
  for (const [i, notice] of wanted.notices.entries()) add(sent.notices[i], notice.fcc);
  return copies;
}
