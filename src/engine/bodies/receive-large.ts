/**
 * Takes a large message whose text is in a file already: verifies it where it must, prepares its beginning, and gives
 * it to the spool or to its accounts.
 *
 * Runs in:   engine threads; the handlers of `body.receive` and `body.deliver`, long asks.
 * Specs:     RFC 5321 §6.1, RFC 2033 §4.2 (an answer for each recipient).
 * Limits:    whole messages in memory as `BodyTurns` allow.
 * Invariant: the record of acceptance is appended after file and name of the body are on disk. What is not accepted
 *            leaves no file.
 */

import type { Answer, ArrivedAsk, Handler } from '../../actors/ask.ts';
import { type BodyDeliver, type BodyReceive, bodyAsks } from '../../actors/asks/body-asks.ts';
import type { Envelope } from '../../actors/asks/reception.ts';
import { type PackedReceived, unpackReceived } from '../../actors/asks/spool-asks.ts';
import { failure, failureOf, type Result } from '../../base/errors.ts';
import { BodyHasher, type CanonicalForm } from '../../mail/trust/dkim/canonical.ts';
import { isAllHere } from '../local-delivery.ts';
import { unpackDelivery } from '../mailbox/packed-delivery.ts';
import { withForwardTerms } from '../pipeline/forwarding.ts';
import { repacked, withHeaderTerms } from '../pipeline/header-terms.ts';
import type { Policy } from '../pipeline/policy.ts';
import { type MessageToPrepare, type PreparedMessage, prepare } from '../pipeline/prepare.ts';
import { type Known, needsScan, type ScanParts, scan } from '../pipeline/scan.ts';
import { needsVerification, type VerifyParts, verify } from '../pipeline/verify.ts';
import type { OpenShard } from '../shards.ts';
import type { BodyTurns } from './body-turns.ts';
import type { IncomingBodies } from './incoming-bodies.ts';
import { unknownBody } from './incoming-bodies.ts';
import { type IncomingBody, mailErrorOf } from './incoming-body.ts';
import { deliverLargeCopy, deliverLargeHere, largeRepeat } from './large-delivery.ts';

export interface ReceiveLargeParts extends VerifyParts, ScanParts {
  readonly shardOf: (ask: ArrivedAsk) => OpenShard | undefined;
  readonly policy: () => Policy;
  readonly incoming: IncomingBodies;
  readonly whole: BodyTurns;
}

export function receiveLargeHandlers(parts: ReceiveLargeParts): Record<string, Handler> {
  return {
    [bodyAsks.receive]: (ask) => {
      const shard = parts.shardOf(ask);
      if (shard === undefined) {
        return failure('not-possible-now', `shard ${ask.shard} is not open here`);
      }
      const [id, packed, isEach] = ask.meta as BodyReceive;
      const body = parts.incoming.take(id, ask.shard);
      const request: LargeRequest = { shard, packed, isEach, last: ask.body };
      if (body === undefined) return { pending: repeat(request) };
      return { pending: accept(body, request.last, () => prepareAndTake(parts, request, body)) };
    },
    [bodyAsks.deliver]: (ask) => {
      const shard = parts.shardOf(ask);
      if (shard === undefined) {
        return failure('not-possible-now', `shard ${ask.shard} is not open here`);
      }
      const [id, packed] = ask.meta as BodyDeliver;
      const delivery = unpackDelivery(packed, []);
      const body = parts.incoming.take(id, ask.shard);
      const deliver = () => deliverLargeCopy(parts.whole, shard, delivery, body);
      return { pending: body === undefined ? deliver() : accept(body, ask.body, deliver) };
    },
  };
}

export interface LargeRequest {
  readonly shard: OpenShard;
  readonly packed: PackedReceived;
  /** An answer for each recipient is wanted. */
  readonly isEach: boolean;
  /** What came after the last chunk. */
  readonly last: Uint8Array;
}

/** The thread died before it could answer: what was accepted is known here, all else has to come again. */
async function repeat({ shard, packed, isEach }: LargeRequest): Promise<Answer> {
  const message = unpackReceived(packed);
  const earlierId = earlierOf(shard, packed);
  if (!isEach && earlierId !== undefined) return { ok: true, value: earlierId };
  if (!isEach && shard.spool.isKnown(message.arrival.id)) return { ok: true, value: undefined };
  return largeRepeat(shard, message, isEach, unknownBody);
}

/** The message that was accepted with the idempotency key of this one. */
function earlierOf(shard: OpenShard, [, , , idempotency]: PackedReceived) {
  return idempotency === undefined
    ? undefined
    : shard.spool.repeats.earlierId(shard.store, idempotency);
}

/** Writes the last of a body and does what it came for; what is left of it then is let go. */
async function accept(
  body: IncomingBody,
  last: Uint8Array,
  take: () => Promise<Answer>,
): Promise<Answer> {
  try {
    const failed = await body.append(last);
    if (failed !== undefined) return failed;
    return await take();
  } catch (error) {
    return failureOf(mailErrorOf(error));
  } finally {
    await body.discard();
  }
}

async function prepareAndTake(
  parts: ReceiveLargeParts,
  request: LargeRequest,
  body: IncomingBody,
): Promise<Answer> {
  const { shard, isEach } = request;
  const arrived = { body: body.head, ...unpackReceived(request.packed) };
  const policy = parts.policy();
  const nowMs = parts.clock.nowMs();
  // What would be refused anyway is not worth reading it all again.
  const early = prepare(arrived, policy, nowMs, { isAscii: body.isRestAscii });
  if (!early.ok) return early;
  const results = await resultsOf(parts, arrived, body, policy);
  if (!results.ok) return results;
  const { recipients } = arrived.envelope;
  if (results.isDropped)
    return { ok: true, value: isEach ? recipients.map(() => ({ ok: true })) : undefined };
  const { head, isScanned } = results;
  const message = { ...arrived, body: head, envelope: results.envelope, isScanned };
  const isReaddressed = message.envelope !== arrived.envelope;
  const given = isReaddressed ? repacked(request.packed, message.envelope) : request.packed;
  const isChanged = message.body !== arrived.body;
  const first = isChanged ? prepare(message, policy, nowMs, { isAscii: body.isRestAscii }) : early;
  if (!first.ok) return first;
  const prepared = await signed(first, message, body, policy, nowMs);
  if (!prepared.ok) return prepared;
  const front = [...results.fields, ...prepared.parts];
  const termed = withHeaderTerms(message.envelope, prepared.facts);
  const envelope = withForwardTerms(termed, message.arrival, policy, nowMs);
  const told = envelope === message.envelope ? given : repacked(given, envelope);
  const packed = declared(told, envelope, prepared);
  const isKeyed = message.idempotency !== undefined;
  // Asked again without its text, it is known by the recipients it came with: what has others is the spool's.
  const isHere = !isKeyed && !isReaddressed && isAllHere(message.envelope, shard.store.id);
  if (isEach || isHere) {
    return await deliverLargeHere(parts.whole, { ...request, packed }, message, body, front);
  }
  const known = earlierOf(shard, packed);
  if (known !== undefined) return { ok: true, value: known };
  const side = await body.seal(front);
  const answer = await shard.spool.accept(packed, message.arrival.tenant, side);
  if (!answer.ok) return answer;
  const { earlierId } = answer;
  // Another with its key was accepted while this one's file was written.
  if (isKeyed && earlierId !== message.arrival.id) shard.store.dropBody(side);
  return { ok: true, value: earlierId };
}

interface Results {
  readonly fields: readonly Uint8Array[];
  /** With the changes that scanners asked for. */
  readonly head: Uint8Array;
  readonly envelope: Envelope;
  readonly isDropped: boolean;
  readonly isScanned: boolean;
}

/** What a stranger's mail is found to be, and scanners say: only that needs the whole message in memory. */
async function resultsOf(
  parts: ReceiveLargeParts,
  message: MessageToPrepare,
  body: IncomingBody,
  policy: Policy,
): Promise<Result<Results>> {
  const { head } = body;
  const isVerified = needsVerification(message, policy);
  const { envelope } = message;
  const isScanned = needsScan(message, parts);
  if (!isVerified && !isScanned)
    return { ok: true, fields: [], head, envelope, isDropped: false, isScanned };
  const bytes = head.byteLength + (await body.restBytes());
  return await parts.whole.with(bytes, async () => {
    const whole = { ...message, body: await body.whole() };
    const fields: Uint8Array[] = [];
    let verdicts: Known['verdicts'];
    if (isVerified) {
      const verified = await verify(whole, policy, parts);
      if (!verified.ok) return verified;
      fields.push(verified.field);
      verdicts = verified.verdicts;
    }
    const scanned = await scan(whole, parts, policy, { head, verdicts });
    if (!scanned.ok) return scanned;
    const { body: changed, fields: marks } = scanned;
    return { ...scanned, fields: [...fields, marks], head: changed, isScanned };
  });
}

/** Prepares again with the hashes that signing needs, read from the file slice by slice. */
async function signed(
  first: { readonly ok: true } & PreparedMessage,
  message: MessageToPrepare,
  body: IncomingBody,
  policy: Policy,
  nowMs: number,
): Promise<Result<PreparedMessage>> {
  if (first.unhashed.length === 0) return first;
  const hashers = new Map<CanonicalForm, BodyHasher>();
  for (const form of first.unhashed) hashers.set(form, new BodyHasher(form));
  const add = (slice: Uint8Array) => {
    for (const hasher of hashers.values()) hasher.add(slice);
  };
  add(message.body.subarray(first.bodyStart));
  for await (const slice of body.rest()) add(slice);
  const hashes = new Map([...hashers].map(([form, hasher]) => [form, hasher.end()] as const));
  return prepare(message, policy, nowMs, { isAscii: body.isRestAscii, hashes });
}

/**
 * The envelope declared as what the message is: whoever sends it on could find out only by reading all of it. Without
 * an 8-bit byte it goes anywhere (RFC 6152 §2), and so it does without an address or field that needs SMTPUTF8.
 */
function declared(
  packed: PackedReceived,
  envelope: Envelope,
  { facts }: PreparedMessage,
): PackedReceived {
  const { isHeaderEightBit, isBodyEightBit } = facts;
  const isPlain = envelope.body === '8bitmime' && !isHeaderEightBit && !isBodyEightBit;
  const needsUtf8 =
    isHeaderEightBit ||
    [envelope.sender, ...envelope.recipients.map(({ address }) => address)].some(isInternational);
  const isAsDeclared = !isPlain && (needsUtf8 || !envelope.smtputf8);
  if (isAsDeclared) return packed;
  const body = isPlain ? '7bit' : envelope.body;
  const smtputf8 = envelope.smtputf8 && needsUtf8;
  return repacked(packed, { ...envelope, body, smtputf8 });
}

function isInternational(address: string): boolean {
  return /[^\0-\x7f]/.test(address);
}
