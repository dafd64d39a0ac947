/**
 * Takes a received message: verifies it where it must, prepares it, and gives it to the spool or to its accounts.
 *
 * Runs in:   engine threads; the handler of `message.receive`.
 * Specs:     RFC 5321 §6.1.
 * Invariant: trusted mail is decided without an await before its record is staged, so that all messages of a parcel
 *            share one group commit; mail that is verified or scanned waits for its verdict outside the parcel.
 */

import {
  type Answer,
  type ArrivedAsk,
  answerOf,
  type Handled,
  type Handler,
} from '../actors/ask.ts';
import type { AcceptAnswer } from '../actors/asks/reception.ts';
import type { JudgeParams, PackedReceived } from '../actors/asks/spool-asks.ts';
import { unpackReceived } from '../actors/asks/spool-asks.ts';
import { concat } from '../base/bytes.ts';
import { failure } from '../base/errors.ts';
import { isAllHere } from './local-delivery.ts';
import { withForwardTerms } from './pipeline/forwarding.ts';
import { repacked, withHeaderTerms } from './pipeline/header-terms.ts';
import type { Policy } from './pipeline/policy.ts';
import type { MessageToPrepare } from './pipeline/prepare.ts';
import { prepare } from './pipeline/prepare.ts';
import { type Known, needsScan, type ScanParts, scan } from './pipeline/scan.ts';
import { needsVerification, type VerifyParts, verify } from './pipeline/verify.ts';
import type { OpenShard } from './shards.ts';

export interface ReceiveParts extends VerifyParts, ScanParts {
  readonly shardOf: (ask: ArrivedAsk) => OpenShard | undefined;
  readonly policy: () => Policy;
}

export function receiveHandler(parts: ReceiveParts): Handler {
  return (ask) => {
    const shard = takingShard(parts, ask);
    if ('ok' in shard) return shard;
    const packed = ask.meta as PackedReceived;
    const message: MessageToPrepare = { body: ask.body, ...unpackReceived(packed) };
    const policy = parts.policy();
    if (needsVerification(message, policy) || needsScan(message, parts)) {
      return { pending: verifyAndTake(parts, shard, packed, message, policy) };
    }
    return take(parts, shard, packed, message, policy);
  };
}

/** What `receiveHandler` would answer to mail of who may relay; nothing is kept of it, and nothing signed. */
export function judgeHandler(parts: ReceiveParts): Handler {
  return (ask) => {
    const shard = takingShard(parts, ask);
    if ('ok' in shard) return shard;
    const [packed, isWhole] = ask.meta as JudgeParams;
    const message: MessageToPrepare = { body: ask.body, ...unpackReceived(packed) };
    // Whatever the rest is: without its hashes nothing is signed.
    const rest = isWhole ? undefined : { isAscii: true };
    const prepared = prepare(message, parts.policy(), parts.clock.nowMs(), rest);
    return prepared.ok ? { ok: true, value: undefined } : prepared;
  };
}

/** The shard the ask is for, or why it takes nothing now. */
function takingShard({ shardOf }: ReceiveParts, ask: ArrivedAsk): OpenShard | Answer {
  const shard = shardOf(ask);
  if (shard === undefined)
    return failure('not-possible-now', `shard ${ask.shard} is not open here`);
  return shard.store.refusal() ?? shard;
}

async function verifyAndTake(
  parts: ReceiveParts,
  shard: OpenShard,
  packed: PackedReceived,
  message: MessageToPrepare,
  policy: Policy,
): Promise<Answer> {
  let results: Uint8Array | undefined;
  let verdicts: Known['verdicts'];
  if (needsVerification(message, policy)) {
    const verified = await verify(message, policy, parts);
    if (!verified.ok) return verified;
    results = verified.field;
    verdicts = verified.verdicts;
  }
  if (!needsScan(message, parts))
    return await answerOf(take(parts, shard, packed, message, policy, results));
  const scanned = await scan(message, parts, policy, { verdicts });
  if (!scanned.ok) return scanned;
  if (scanned.isDropped) return { ok: true, value: undefined };
  const { body, fields, envelope } = scanned;
  const front = results === undefined ? fields : concat([results, fields]);
  const told = envelope === message.envelope ? packed : repacked(packed, envelope);
  const taken = { ...message, body, envelope, isScanned: true };
  return await answerOf(take(parts, shard, told, taken, policy, front));
}

function take(
  parts: ReceiveParts,
  shard: OpenShard,
  packed: PackedReceived,
  message: MessageToPrepare,
  policy: Policy,
  results?: Uint8Array,
): Handled {
  const prepared = prepare(message, policy, parts.clock.nowMs());
  if (!prepared.ok) return prepared;
  const bytes = results === undefined ? prepared.parts : [results, ...prepared.parts];
  const { arrival, envelope } = message;
  const [, , , idempotency] = packed;
  // The spool knows the keys: a copy for an account of this very shard goes by it, too.
  if (idempotency === undefined && isAllHere(envelope, shard.store.id))
    return shard.deliverHere(message, packed, bytes);
  const own = withHeaderTerms(envelope, prepared.facts);
  const termed = withForwardTerms(own, arrival, policy, parts.clock.nowMs());
  const told = termed === envelope ? packed : repacked(packed, termed);
  const answer = shard.spool.accept(told, arrival.tenant, bytes);
  return idempotency === undefined ? (answer as Promise<Answer>) : answer.then(keyedAnswer);
}

function keyedAnswer(answer: AcceptAnswer): Answer {
  return answer.ok ? { ok: true, value: answer.earlierId } : answer;
}
