/**
 * Decides which outcomes are reported to the sender, and makes the report a message of its own.
 *
 * Runs in:   engine thread.
 * Specs:     RFC 3461 §5.2 (who is told what), RFC 3464 (the report), RFC 5321 §4.5.5 and §6.1 (null reverse-path).
 * Invariant: a report goes from the null sender and is never made for one; its accepted record stands in the same
 *            parcel as the outcome it reports, so a crash can neither lose nor double it.
 */

import { type DeliverBy, packTerms } from '../../actors/asks/delivery-terms.ts';
import type { PackedEnvelope, PackedRecipient } from '../../actors/asks/spool-asks.ts';
import type { MessageId } from '../../base/ids.ts';
import type { DsnRecipient } from '../../mail/formats/dsn/report.ts';
import { writeReport } from '../../mail/formats/dsn/report.ts';
import type { Random } from '../../ports/random.ts';
import type { RecipientOutcome } from '../delivery/message.ts';
import { isSide } from '../store/side/format.ts';
import type { MadeMessage } from './made.ts';
import { releasedMs, type SpoolMessage, type SpoolRecipient } from './message.ts';
import { readBeginning } from './reading.ts';
import type { Spool } from './spool.ts';

export interface BounceParts {
  readonly random: Random;
  readonly hostname: () => string;
  readonly nextId: () => MessageId;
  /** Where a report to this sender goes: a local address is resolved as at RCPT. None: nobody is there. */
  readonly resolve: (address: string) => Promise<readonly PackedRecipient[]>;
  /** How long a message waits before a sender who asked for it is told of the delay. */
  readonly delayNoticeMs: () => number;
}

export interface Bounces {
  /** Records the outcomes of one attempt, together with the report they call for; resolves when synced. */
  record(
    spool: Spool,
    message: SpoolMessage,
    indexes: readonly number[],
    outcomes: readonly RecipientOutcome[],
    nowMs: number,
    /** An operator waits for it. */
    isUrgent?: boolean,
  ): Promise<void>;
}

export function createBounces(parts: BounceParts): Bounces {
  return {
    record(spool, message, indexes, outcomes, nowMs, isUrgent = false) {
      const told = toldRecipients(parts, message, indexes, outcomes, nowMs);
      if (told.length === 0) return spool.record(message, indexes, undefined, '', isUrgent);
      const report = makeReport(parts, spool, message, told, nowMs);
      return spool.recordWithReport(message, indexes, report, isUrgent);
    },
  };
}

function toldRecipients(
  parts: BounceParts,
  message: SpoolMessage,
  indexes: readonly number[],
  outcomes: readonly RecipientOutcome[],
  nowMs: number,
): DsnRecipient[] {
  if (message.sender === '') return [];
  const told: DsnRecipient[] = [];
  const { isDelayTold, terms } = message;
  const isLate = nowMs - releasedMs(message) >= parts.delayNoticeMs() && !isDelayTold;
  const by = terms?.deliverBy;
  const isPastBy = by?.mode === 'notify' && nowMs >= by.byMs && !isDelayTold;
  for (let i = 0; i < indexes.length; i++) {
    const recipient = message.recipients[indexes[i]!]!;
    const action =
      actionFor(recipient, outcomes[i]!, isLate) ??
      actionByTime(recipient, outcomes[i]!, by, isPastBy);
    if (action === undefined) continue;
    if (action === 'delayed') message.isDelayTold = true;
    told.push(reportOf(message, recipient, outcomes[i]!, action, nowMs));
  }
  return told;
}

function actionFor(
  recipient: SpoolRecipient,
  outcome: RecipientOutcome,
  isLate: boolean,
): DsnRecipient['action'] | undefined {
  const { notify } = recipient;
  if (notify?.never === true) return undefined;
  switch (recipient.state) {
    case 'failed':
    case 'expired':
      // RFC 3461 §4.1: without NOTIFY, failures are reported.
      return notify === undefined || notify.failure ? 'failed' : undefined;
    case 'delivered':
      if (notify?.success !== true || outcome.passedDsn) return undefined;
      return recipient.target.kind === 'account' ? 'delivered' : 'relayed';
    case 'waiting':
      return isLate && notify?.delay === true ? 'delayed' : undefined;
    case 'deleted':
      return undefined;
  }
}

/** What RFC 2852 §4.1.4 has a sender told who asked for delivery by a time, whatever else NOTIFY says but NEVER. */
function actionByTime(
  { notify, state, target }: SpoolRecipient,
  { passedDeliverBy }: RecipientOutcome,
  by: DeliverBy | undefined,
  isPastBy: boolean,
): DsnRecipient['action'] | undefined {
  if (by === undefined || notify?.never === true) return undefined;
  if (state === 'waiting') return isPastBy ? 'delayed' : undefined;
  if (state !== 'delivered' || target.kind !== 'remote') return undefined;
  const isLastToKnow = by.mode === 'notify' && !passedDeliverBy;
  return by.isTraced || isLastToKnow ? 'relayed' : undefined;
}

function reportOf(
  { terms }: SpoolMessage,
  recipient: SpoolRecipient,
  outcome: RecipientOutcome,
  action: DsnRecipient['action'],
  nowMs: number,
): DsnRecipient {
  const { reply } = outcome;
  return {
    finalRecipient: recipient.address,
    ...(recipient.orcpt === undefined ? {} : { originalRecipient: recipient.orcpt }),
    action,
    status: statusOf(recipient, reply.enhanced, action, terms?.deliverBy?.mode === 'return'),
    diagnostic: recipient.reply,
    ...(outcome.remoteHost === '' ? {} : { remoteHost: outcome.remoteHost }),
    lastAttemptMs: nowMs,
  };
}

function statusOf(
  recipient: SpoolRecipient,
  enhanced: string,
  action: DsnRecipient['action'],
  isReturned: boolean,
): string {
  // RFC 3463 §3.5: X.4.7 is "delivery time expired".
  if (recipient.state === 'expired') return isReturned ? '5.4.7' : '4.4.7';
  if (enhanced !== '') return enhanced;
  return action === 'failed' ? '5.0.0' : action === 'delayed' ? '4.0.0' : '2.0.0';
}

async function makeReport(
  parts: BounceParts,
  spool: Spool,
  message: SpoolMessage,
  recipients: readonly DsnRecipient[],
  nowMs: number,
): Promise<MadeMessage | undefined> {
  const to = await parts.resolve(message.sender);
  if (to.length === 0) return undefined;
  const id = parts.nextId();
  const isSecret = message.terms?.requireTls === true;
  const report = writeReport({
    id,
    hostname: parts.hostname(),
    nowMs,
    boundary: `=_${Buffer.from(parts.random.bytes(15)).toString('base64url')}`,
    to: message.sender,
    arrivalMs: message.acceptedMs,
    ...(message.envid === '' ? {} : { envid: message.envid }),
    // A large message comes back as its header: whoever sent it has the rest. So does one that must not be read on
    // its way (RFC 8689 §5): its report may have to go in clear.
    ret: isSide(message.place.segment) || isSecret ? 'hdrs' : (message.ret ?? 'hdrs'),
    smtputf8: message.smtputf8,
    recipients,
    // One whose body is damaged is reported all the same: without its header rather than never.
    original: await readBeginning(spool.shard, message).catch(() => []),
  });
  const plain = ['', to, report.isEightBit ? 1 : 0, report.isUtf8, 0, ''] as const;
  const envelope: PackedEnvelope = isSecret ? [...plain, packTerms({ requireTls: true })] : plain;
  spool.events.bounced(message, id);
  const about = [message.id, message.sender, message.terms?.campaign ?? ''] as const;
  const accepted = [id, nowMs, envelope, ['bounce', '', '', '', ''], about] as const;
  return { accepted, tenant: message.tenant, body: report.parts };
}
