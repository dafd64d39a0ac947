/**
 * Brings large messages into accounts: each copy is a file of its own, written before its record.
 *
 * Runs in:   engine threads.
 * Limits:    a message is in memory whole only while its summary is made, as `BodyTurns` allows.
 * Invariant: copies of a failed or repeated delivery are let go. The text is read as often as there are accounts.
 */

import { createHash } from 'node:crypto';
import type { Answer } from '../../actors/ask.ts';
import type { BodyReceived } from '../../actors/asks/body-asks.ts';
import { packEnvelope } from '../../actors/asks/spool-asks.ts';
import { type Failure, failureOf, MailError } from '../../base/errors.ts';
import { type MessageSummary, summarise } from '../../mail/formats/mime/summary.ts';
import type { Script } from '../../mail/sieve/run/machine.ts';
import { deliveryOf } from '../local-delivery.ts';
import type {
  Delivery,
  DeliveryOutcome,
  DeliveryTarget,
  WrittenBody,
} from '../mailbox/delivery.ts';
import { deliveryFields } from '../mailbox/trace-fields.ts';
import type { MessageToPrepare } from '../pipeline/prepare.ts';
import type { OpenShard } from '../shards.ts';
import type { SideBody } from '../store/record.ts';
import type { BodyTurns } from './body-turns.ts';
import type { IncomingBody } from './incoming-body.ts';
import { mailErrorOf } from './incoming-body.ts';
import { fileLarge, type LargeFiling, wantedOfLarge } from './large-filing.ts';
import type { LargeRequest } from './receive-large.ts';

/** A message that is read slice by slice, as often as it takes. */
export interface LargeText {
  readonly bytes: number;
  slices(): AsyncIterable<Uint8Array>;
  /** Where the text is a file nobody else needs, it becomes the copy itself. */
  readonly becomeCopy?: (fields: Uint8Array) => Promise<SideBody>;
}

type DeliveryShard = Pick<OpenShard, 'store' | 'mailboxes'>;

/**
 * As `Mailboxes.deliver`. `isOpen` for whoever does not hold the shard open by an ask. @throws MailError when a copy
 * cannot be written.
 */
export async function deliverLarge(
  whole: BodyTurns,
  { store, mailboxes }: DeliveryShard,
  delivery: Delivery,
  text: LargeText,
  isOpen: () => boolean = () => true,
): Promise<readonly DeliveryOutcome[]> {
  const summary = await whole.with(text.bytes, () => summaryOf(text));
  const bodies: SideBody[] = [];
  const sieve = mailboxes.deliverer.filters;
  try {
    const targets: DeliveryTarget[] = [];
    for (const target of delivery.targets) {
      const scripts = sieve?.filters.scriptsOf(target.account) ?? [];
      if (sieve !== undefined && !sieve.filters.isPlain(target, scripts)) {
        const { filters, outgoing } = sieve;
        const written = (body: SideBody) => void bodies.push(body);
        const nowMs = outgoing.clock.nowMs();
        const filing = { whole, store, filters, delivery, text, nowMs, written };
        targets.push(await filedTarget(mailboxes, filing, target, scripts));
        continue;
      }
      const isLast = targets.length === delivery.targets.length - 1;
      const fields = deliveryFields(delivery.sender, target.recipient);
      const body = await writeCopy(store, target.account, fields, text, isLast);
      bodies.push(body.side);
      targets.push({ ...target, body });
    }
    if (!isOpen()) throw new MailError('not-possible-now', 'the shard was closed meanwhile');
    return await mailboxes.deliver({ ...delivery, targets, parts: [], summary });
  } catch (error) {
    throw mailErrorOf(error);
  } finally {
    for (const body of bodies) store.dropBody(body);
  }
}

/** An account without room for it gets no files. @throws MailError when a file cannot be written */
async function filedTarget(
  mailboxes: DeliveryShard['mailboxes'],
  filing: LargeFiling,
  target: DeliveryTarget,
  scripts: readonly Script[],
): Promise<DeliveryTarget> {
  const { delivery, text } = filing;
  const { head, wanted } = await wantedOfLarge(filing, target, scripts);
  const count = wanted.copies.length;
  try {
    const place = { account: target.account, tenant: delivery.tenant };
    if (count > 0) mailboxes.mustHaveRoom(place, text.bytes * count, count);
  } catch (error) {
    return { ...target, failed: failureOf(error) };
  }
  return { ...target, filed: await fileLarge(filing, target, head, wanted) };
}

async function summaryOf(text: LargeText): Promise<MessageSummary> {
  const bytes = Buffer.allocUnsafeSlow(text.bytes);
  let at = 0;
  for await (const slice of text.slices()) {
    bytes.set(slice, at);
    at += slice.byteLength;
  }
  return summarise(bytes);
}

async function writeCopy(
  store: DeliveryShard['store'],
  account: number,
  fields: Uint8Array,
  text: LargeText,
  isLast: boolean,
): Promise<WrittenBody> {
  const hash = createHash('sha256').update(fields);
  // What came in is sealed by the key of mail under way, which stays when the account's own is destroyed.
  const isOwn = store.vault?.isEncrypted(account) === true;
  const mayBecome = isLast && text.becomeCopy !== undefined && !isOwn;
  const writer = mayBecome ? undefined : await store.openBody(fields.byteLength, account);
  try {
    for await (const slice of text.slices()) {
      hash.update(slice);
      await writer?.append(slice);
    }
    const side = await (writer === undefined ? text.becomeCopy!(fields) : writer.seal([fields]));
    return { side, hash: hash.digest(), fieldsBytes: fields.byteLength };
  } finally {
    await writer?.discard();
  }
}

/** The text of a message that came in, with what was put before it. */
async function incomingText(
  body: IncomingBody,
  front: readonly Uint8Array[],
  isLastUse: boolean,
): Promise<LargeText> {
  let bytes = await body.restBytes();
  for (const part of front) bytes += part.byteLength;
  return {
    bytes,
    async *slices() {
      yield* front;
      yield* body.rest();
    },
    ...(isLastUse ? { becomeCopy: (fields) => body.seal([fields, ...front]) } : {}),
  };
}

/** Accepts a message whose recipients are all accounts of the shard. */
export async function deliverLargeHere(
  whole: BodyTurns,
  { shard, packed, isEach }: LargeRequest,
  message: MessageToPrepare,
  body: IncomingBody,
  front: readonly Uint8Array[],
): Promise<Answer> {
  const { envelope, arrival } = message;
  const delivery = deliveryOf(message, []);
  // What others could take and some could not goes on from the spool: it needs the text then.
  const isLastUse = isEach || delivery.targets.length === 1;
  const text = await incomingText(body, front, isLastUse);
  const outcomes = await deliverLarge(whole, shard, delivery, text);
  shard.events.stored(arrival, envelope, outcomes);
  if (isEach) return { ok: true, value: answersOf(outcomes) };
  const failed = outcomes.filter((outcome) => !outcome.ok);
  if (failed.length === 0) return { ok: true, value: undefined };
  if (outcomes.length === 1) return failed[0] as Failure;
  const recipients = envelope.recipients.filter((_, index) => !outcomes[index]!.ok);
  const rest = packEnvelope({ ...envelope, recipients });
  const side = await body.seal(front);
  return (await shard.spool.accept([rest, packed[1], []], arrival.tenant, side)) as Answer;
}

/** A copy out of another thread's spool; without a text, only one that was taken before has an outcome. */
export async function deliverLargeCopy(
  whole: BodyTurns,
  shard: OpenShard,
  delivery: Delivery,
  body: IncomingBody | undefined,
): Promise<Answer> {
  if (body === undefined) return { ok: true, value: await shard.mailboxes.deliver(delivery) };
  const text = await incomingText(body, [body.head], true);
  const outcomes = await deliverLarge(whole, shard, delivery, text);
  shard.events.copied(delivery, outcomes);
  return { ok: true, value: outcomes };
}

/** What became of a message whose text is lost: only a delivery that was done before has an answer. */
export async function largeRepeat(
  shard: OpenShard,
  message: Omit<MessageToPrepare, 'body'>,
  isEach: boolean,
  lost: Failure,
): Promise<Answer> {
  const delivery = deliveryOf(message, []);
  if (delivery.targets.length < message.envelope.recipients.length) return lost;
  const outcomes = await shard.mailboxes.deliver(delivery);
  if (isEach) return { ok: true, value: answersOf(outcomes) };
  return outcomes.every(({ ok }) => ok) ? { ok: true, value: undefined } : lost;
}

function answersOf(outcomes: readonly DeliveryOutcome[]): BodyReceived {
  return outcomes.map((outcome) => (outcome.ok ? { ok: true } : outcome));
}
