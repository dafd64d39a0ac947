/**
 * Tries a message's due recipients: remote ones by their site, local ones at their account's shard.
 *
 * Runs in:   engine thread.
 * Specs:     RFC 5321 §4.5.4.1 (retry), §6.1 (a final failure is reported, never silent).
 * Invariant: each recipient has at most one attempt open, and each attempt ends in exactly one recorded outcome.
 */

import type { Answer } from '../../actors/ask.ts';
import { domainOf } from '../../base/address-parts.ts';
import { defaultSourceName } from '../../base/path-names.ts';
import { minuteMs } from '../../base/units.ts';
import { classOf } from '../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HoldRule } from '../../ports/hold-rule.ts';
import type { Random } from '../../ports/random.ts';
import type { SuppressionReader } from '../../ports/suppressions.ts';
import { type TlsNeed, tlsNeedOf } from '../delivery/host-tls.ts';
import type {
  BodySource,
  DeliveryDone,
  ExpectedMessage,
  OutboundMessage,
  RecipientOutcome,
} from '../delivery/message.ts';
import { ownOutcome, ownReply } from '../delivery/message.ts';
import { isSide } from '../store/side/format.ts';
import type { Bounces } from './bounce.ts';
import { type Holds, holdName } from './holds.ts';
import type { SpoolMessage, SpoolRecipient } from './message.ts';
import { clipReply, isForwardedMail, releasedMs } from './message.ts';
import { readBody, sourceOf } from './reading.ts';
import type { RetrySchedule } from './retry.ts';
import { nextAttempt } from './retry.ts';
import type { Attempt, Spool } from './spool.ts';

/** Wait before a message tries again whose site had no room: no attempt is counted. */
const crowdedWaitMs = 5_000;
/** A recipient whom a rule holds while others of the message go on. */
const heldWaitMs = minuteMs;

export interface Outbound {
  /** The site a domain's mail goes to, as a key to group recipients by; known without a look-up. */
  groupOf(domain: string, need: TlsNeed): string;
  /** As `submit` would answer, before the message is read. "": a place is kept for it a moment. */
  expect(message: ExpectedMessage, domain: string): string;
  /** "": taken. Else a site without room, by its name: nothing was taken, `done` never comes. */
  submit(message: OutboundMessage, domain: string, done: DeliveryDone): string;
}

/** Delivers one copy into an account, by delivery id: a repeat changes nothing. */
export type LocalDelivery = (
  message: SpoolMessage,
  recipient: SpoolRecipient,
  index: number,
  parts: readonly Uint8Array[],
  /** A large message: its bytes instead of `parts`. */
  source?: BodySource,
) => Promise<Answer>;

export type ReturnPath = (message: SpoolMessage, recipient: SpoolRecipient) => string | undefined;

export interface AttemptParts {
  readonly holds: Holds;
  readonly outbound: Outbound;
  readonly local: LocalDelivery;
  readonly bounces: Bounces;
  readonly clock: Clock;
  readonly random: Random;
  readonly retry: RetrySchedule;
  /** Where bounces of this recipient's copy go, if not to the sender. */
  readonly returnPath?: ReturnPath;
  /** Absent: nobody is suppressed. */
  readonly suppressions?: SuppressionReader | undefined;
  /** Absent: what servers say of recipients is noted nowhere. */
  readonly noteGone?: NoteGone;
}

/**
 * Notes recipients that a server says are gone for good, and gives the outcomes of those that failed to go on with when
 * that is on disk; undefined: there are none.
 */
export type NoteGone = (
  message: SpoolMessage,
  indexes: readonly number[],
  outcomes: readonly RecipientOutcome[],
) => Promise<readonly RecipientOutcome[]> | undefined;

export function createAttempt(parts: AttemptParts): Attempt {
  return (spool, message) => {
    if (message.isHeld) return;
    if (spool.inHand.isKiller(message.id)) return holdKiller(spool, message);
    if (!parts.holds.isNone && isHeldByRule(parts, spool, message)) return;
    // A large one stays in its file: each attempt reads it slice by slice.
    if (message.parts !== undefined) tryDue(parts, spool, message, message.parts);
    else if (isSide(message.place.segment)) tryDue(parts, spool, message, []);
    else if (!waitsForRoom(parts, spool, message)) readAndTry(parts, spool, message);
  };
}

/**
 * True: rules hold all of it, and it waits for the first one's end. Of a message that they hold a part of, the rest is
 * tried, and the part looked at again after `heldWaitMs`.
 */
function isHeldByRule(
  { holds, clock }: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
): boolean {
  const nowMs = clock.nowMs();
  let rule: HoldRule | undefined;
  const held: number[] = [];
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    const found = isDue(recipient, nowMs) ? holds.ruleOf(message, recipient) : undefined;
    if (found === undefined) continue;
    rule ??= found;
    held.push(index);
  }
  if (rule === undefined) return false;
  const isWhole = held.length === message.waitingCount;
  if (isWhole) spool.waitForRoom(message, holdName(rule));
  else spool.putOff(message, held, nowMs + heldWaitMs);
  return isWhole;
}

/** One recipient elsewhere whose site is full, the commonest of a backlog: its bytes need not be read to know that. */
function waitsForRoom(
  { outbound, clock }: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
): boolean {
  const recipient = message.recipients[0]!;
  const isPlain = message.recipients.length === 1 && recipient.target.kind === 'remote';
  const nowMs = clock.nowMs();
  if (!isPlain || !isDue(recipient, nowMs) || isTooLate(message, nowMs)) return false;
  const crowded = outbound.expect(message, domainOf(recipient.address).toLowerCase());
  if (crowded !== '') spool.waitForRoom(message, crowded);
  return crowded !== '';
}

const killerReply = '451 4.3.0 Put on hold: its delivery ended an engine thread twice';

/** It waits for an operator: tried again, it would end the thread for all other mail, too. */
function holdKiller(spool: Spool, message: SpoolMessage): void {
  const waiting: number[] = [];
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    if (recipient.state !== 'waiting') continue;
    recipient.reply = killerReply;
    waiting.push(index);
  }
  message.isHeld = true;
  spool.inHand.acquit(message.id);
  spool.events.storeTrouble('poison-ask', `${message.id}: ${killerReply}`);
  spool.record(message, waiting, undefined, 'held').catch((error: unknown) => {
    spool.events.storeTrouble('store-failed', `${message.id}: ${String(error)}`);
  });
}

function readAndTry(parts: AttemptParts, spool: Spool, message: SpoolMessage): void {
  readBody(spool.shard, message).then(
    (body) => tryDue(parts, spool, message, body),
    (error: unknown) => {
      spool.events.storeTrouble('store-failed', `${message.id}: ${String(error)}`);
      if (!spool.isDraining) deferAll(parts, spool, message, unread);
    },
  );
}

/** What cannot be read is an attempt like any other: it comes again, expires in the end, and is reported. */
const unread = ownOutcome(
  'deferred',
  ownReply(451, '4.3.0', 'The message cannot be read from the store'),
);
/** The end of a message that was to come back by now (RFC 2852 §4.1.2). */
const tooLate = ownOutcome(
  'deferred',
  ownReply(451, '4.4.7', 'Not delivered by the time asked for'),
);

function isTooLate({ terms }: SpoolMessage, nowMs: number): boolean {
  return terms?.deliverBy?.mode === 'return' && nowMs >= terms.deliverBy.byMs;
}

function deferAll(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  outcome: RecipientOutcome,
): void {
  const nowMs = parts.clock.nowMs();
  const indexes: number[] = [];
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    if (!isDue(recipient, nowMs)) continue;
    recipient.isOpen = true;
    indexes.push(index);
  }
  if (indexes.length === 0) return;
  message.openCount += indexes.length;
  settle(
    parts,
    spool,
    message,
    indexes,
    indexes.map(() => outcome),
  );
}

function tryDue(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  body: readonly Uint8Array[],
): void {
  spool.inHand.run(message.id, () => tryNow(parts, spool, message, body));
  // It was held, or the clock stepped back, while its body was read: nobody would look at it again.
  if (message.openCount === 0) spool.attemptEnded(message);
}

function tryNow(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  body: readonly Uint8Array[],
): void {
  // It may have been held while its body was read.
  if (spool.isDraining || message.isHeld) return;
  const nowMs = parts.clock.nowMs();
  if (isTooLate(message, nowMs)) {
    deferAll(parts, spool, message, tooLate);
    return;
  }
  refuseSuppressed(parts, spool, message, nowMs);
  // One remote recipient is by far the commonest message: no map for it.
  const first = message.recipients[0]!;
  if (message.recipients.length === 1 && first.target.kind === 'remote') {
    if (isDue(first, nowMs)) tryRemote(parts, spool, message, body, [0]);
    return;
  }
  const groups = new Map<string, number[]>();
  const need = tlsNeedOf(message.sender, message.terms);
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    if (!isDue(recipient, nowMs)) continue;
    if (recipient.target.kind !== 'remote') {
      tryLocal(parts, spool, message, body, index);
      continue;
    }
    const site = parts.outbound.groupOf(domainOf(recipient.address).toLowerCase(), need);
    // A return path of its own: a transaction of its own.
    const isAlone = parts.returnPath?.(message, recipient) !== undefined;
    const key = isAlone ? `${site}\0${index}` : site;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  for (const indexes of groups.values()) tryRemote(parts, spool, message, body, indexes);
}

/** What was put on the tenant's list since the message was taken is not tried; it fails, and its sender is told. */
function refuseSuppressed(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  nowMs: number,
): void {
  const { suppressions } = parts;
  // A report or an answer is nobody's campaign, and must not be lost on its way back.
  if (suppressions === undefined || message.sender === '' || isForwardedMail(message)) return;
  const stream = message.terms?.campaign ?? '';
  const indexes: number[] = [];
  const outcomes: RecipientOutcome[] = [];
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    // An account of ours gets strangers' mail, too, which is not its tenant's; that tenant's own was judged as it came.
    if (recipient.target.kind !== 'remote' || !isDue(recipient, nowMs)) continue;
    const reason = suppressions.find(message.tenant, stream, recipient.address, nowMs);
    if (reason === undefined) continue;
    recipient.isOpen = true;
    indexes.push(index);
    const reply = ownReply(550, '5.7.1', `Recipient is on the suppression list: ${reason}`);
    outcomes.push({ ...ownOutcome('failed', reply), suppressed: reason });
  }
  if (indexes.length === 0) return;
  message.openCount += indexes.length;
  settle(parts, spool, message, indexes, outcomes);
}

function isDue(recipient: SpoolRecipient, nowMs: number): boolean {
  return recipient.state === 'waiting' && !recipient.isOpen && recipient.nextMs <= nowMs;
}

function tryRemote(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  body: readonly Uint8Array[],
  indexes: readonly number[],
): void {
  const recipients = indexes.map((index) => message.recipients[index]!);
  const source = sourceOf(spool.shard, message);
  const [only] = recipients;
  const returnPath = recipients.length === 1 ? parts.returnPath?.(message, only!) : undefined;
  const outbound: OutboundMessage = {
    id: message.id,
    tenant: message.tenant,
    sender: message.terms?.returnPath ?? returnPath ?? message.sender,
    recipients,
    parts: body,
    ...(source === undefined ? {} : { source }),
    bytes: message.bytes,
    body: message.body,
    smtputf8: message.smtputf8,
    ...(message.ret === undefined ? {} : { ret: message.ret }),
    ...(message.envid === '' ? {} : { envid: message.envid }),
    ...(message.terms === undefined ? {} : { terms: message.terms }),
    inHand: spool.inHand,
    keeper: spool,
  };
  for (const recipient of recipients) recipient.isOpen = true;
  message.openCount += indexes.length;
  const crowded = parts.outbound.submit(
    outbound,
    domainOf(recipients[0]!.address).toLowerCase(),
    (result) => {
      source?.release();
      settle(parts, spool, message, indexes, result.outcomes);
    },
  );
  if (crowded === '') return;
  source?.release();
  for (const recipient of recipients) recipient.isOpen = false;
  message.openCount -= indexes.length;
  // One that waits for other sites, too, has but one place: it comes again soon.
  if (message.waitingCount > indexes.length) spool.postpone(message, crowdedWaitMs);
  else spool.waitForRoom(message, crowded);
}

function tryLocal(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  body: readonly Uint8Array[],
  index: number,
): void {
  const recipient = message.recipients[index]!;
  recipient.isOpen = true;
  message.openCount++;
  const source = sourceOf(spool.shard, message);
  const end = (outcome: RecipientOutcome) => {
    source?.release();
    settle(parts, spool, message, [index], [outcome]);
  };
  parts.local(message, recipient, index, body, source).then(
    (answer) => end(localOutcome(answer)),
    (error: unknown) => end(localTrouble(String(error))),
  );
}

function localOutcome(answer: Answer): RecipientOutcome {
  if (answer.ok) return ownOutcome('delivered', ownReply(250, '2.0.0', 'Delivered'));
  if (answer.code === 'recipient-refused') {
    // RFC 5429 §2.1.2: the report of the failure says why.
    const words = answer.detail.replace(/[^\x20-\x7e]+/g, ' ').trim();
    return ownOutcome('failed', ownReply(550, '5.7.1', words === '' ? answer.code : words));
  }
  const isFinal =
    answer.code === 'account-missing' ||
    answer.code === 'account-disabled' ||
    answer.code === 'message-too-large';
  if (isFinal) return ownOutcome('failed', ownReply(550, '5.1.1', answer.code));
  return localTrouble(answer.code);
}

function localTrouble(text: string): RecipientOutcome {
  return ownOutcome('deferred', ownReply(451, '4.3.0', text));
}

function settle(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  indexes: readonly number[],
  outcomes: readonly RecipientOutcome[],
): void {
  const noted = parts.noteGone?.(message, indexes, outcomes);
  if (noted === undefined) {
    settleNoted(parts, spool, message, indexes, outcomes);
    return;
  }
  // Their attempt is open until then: killed before, they are tried, and noted, again. Nobody else waits for it.
  const failed = indexes.filter((_, place) => outcomes[place]!.status === 'failed');
  void noted.then((kept) => settleNoted(parts, spool, message, failed, kept));
  if (failed.length === indexes.length) return;
  const others = indexes.filter((_, place) => outcomes[place]!.status !== 'failed');
  const ended = outcomes.filter(({ status }) => status !== 'failed');
  settleNoted(parts, spool, message, others, ended);
}

function settleNoted(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  indexes: readonly number[],
  outcomes: readonly RecipientOutcome[],
): void {
  spool.inHand.run(message.id, () => settleNow(parts, spool, message, indexes, outcomes));
  spool.inHand.acquit(message.id);
}

function settleNow(
  parts: AttemptParts,
  spool: Spool,
  message: SpoolMessage,
  indexes: readonly number[],
  outcomes: readonly RecipientOutcome[],
): void {
  const nowMs = parts.clock.nowMs();
  message.openCount -= indexes.length;
  const decided: number[] = [];
  const decisive: RecipientOutcome[] = [];
  for (let i = 0; i < indexes.length; i++) {
    const recipient = message.recipients[indexes[i]!]!;
    const outcome = outcomes[i]!;
    recipient.isOpen = false;
    // An operator ended it while the attempt was open: what is final stays, and was reported then.
    if (recipient.state === 'waiting') {
      decide(parts, message, recipient, outcome, nowMs);
      decided.push(indexes[i]!);
      decisive.push(outcome);
      spool.events.attempted(message, recipient, outcome);
    } else spool.events.attemptedLate(message, recipient, outcome);
  }
  if (decided.length === 0) {
    spool.attemptEnded(message);
    return;
  }
  parts.bounces.record(spool, message, decided, decisive, nowMs).catch((error: unknown) => {
    spool.events.storeTrouble('store-failed', `${message.id}: ${String(error)}`);
  });
}

/** The default source's says nothing that is not known. */
function noteDeparture(recipient: SpoolRecipient, { departure }: RecipientOutcome): void {
  if (departure !== undefined && departure.source !== defaultSourceName) {
    recipient.departure = departure;
  } else if (recipient.departure !== undefined) delete recipient.departure;
}

function decide(
  parts: AttemptParts,
  message: SpoolMessage,
  recipient: SpoolRecipient,
  outcome: RecipientOutcome,
  nowMs: number,
): void {
  // What we held back ourselves was no attempt.
  if (outcome.notBeforeMs === undefined) recipient.attempts++;
  recipient.remoteHost = outcome.remoteHost;
  recipient.remoteAddress = outcome.remoteAddress;
  noteDeparture(recipient, outcome);
  if (outcome.suppressed !== undefined) recipient.suppressed = outcome.suppressed;
  const { code, enhanced, text } = outcome.reply;
  recipient.reply = clipReply(`${code} ${enhanced} ${text}`);
  if (outcome.status === 'delivered') recipient.state = 'delivered';
  else if (outcome.status === 'failed') recipient.state = 'failed';
  else {
    const next = nextAttempt(
      parts.retry,
      {
        attempts: recipient.attempts,
        acceptedMs: releasedMs(message),
        nowMs,
        why: classOf(outcome.reply),
      },
      parts.random.fraction(),
    );
    const byMs = message.terms?.deliverBy?.byMs ?? 0;
    if (next === 'expired' || isTooLate(message, nowMs)) recipient.state = 'expired';
    // At that instant it comes back, or its sender is told.
    else {
      const nextMs = outcome.notBeforeMs ?? next;
      recipient.nextMs = byMs > nowMs ? Math.min(nextMs, byMs) : nextMs;
    }
  }
}
