/**
 * Brings received messages to the shard that accepts them, and the answer back to their session.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §4.2.5 (responsibility passes with the reply to end of data), RFC 2033 §4.2 (LMTP: by recipient).
 * Limits:    the byte budget counts bytes not yet journaled: `reserve` refuses at once what goes past it.
 * Invariant: one envelope is accepted by exactly one journal: that of the shard all its accounts are on, else that of
 *            the active spool shard; with an idempotency key, that of the key's shard, whoever it is for.
 */

import type { Answer, Ask } from '../actors/ask.ts';
import { chunkBytes, largeBodyBytesMin } from '../actors/asks/body-asks.ts';
import type {
  AcceptAnswer,
  BodyStream,
  EnvelopeRecipient,
  ReceivedMessage,
  Reception,
} from '../actors/asks/reception.ts';
import {
  type JudgeParams,
  messageJudge,
  messageReceive,
  packReceived,
} from '../actors/asks/spool-asks.ts';
import type { ByteBudget } from '../actors/budget.ts';
import type { InFlow } from '../actors/in-flow.ts';
import type { Router } from '../actors/router.ts';
import { concat } from '../base/bytes.ts';
import type { Failure } from '../base/errors.ts';
import { type MessageId, type MessageIdSource, type ShardId, shardId } from '../base/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { eachTarget, ShardBodyStream, wholeTarget } from './body-stream.ts';

/** No answer from the engine by then: 451. The message may still be accepted; the client's repeat is a duplicate. */
const acceptMsMax = 4 * 60_000;

export interface ReceptionParts {
  readonly router: Router;
  readonly budget: ByteBudget;
  readonly ids: MessageIdSource;
  readonly clock: Clock;
  readonly spoolShard: () => ShardId;
  /** How many there are. */
  readonly shards: number;
  /** What goes on to other servers waits here while too much of it is under way. */
  readonly inFlow: InFlow;
  /** Why no mail can be taken now: it is told before the message comes. */
  readonly refusal: () => Failure | undefined;
  /** What a logged-in account may put into From. */
  readonly fromAllowed: (user: string) => Promise<readonly string[]>;
}

/** It knows of no quotas. */
export type QuotaFreeReception = Omit<Reception, 'quotaWaitMs'>;

export function createReception(parts: ReceptionParts): QuotaFreeReception {
  const { router, budget, ids, clock, inFlow } = parts;

  function openBody(recipients: readonly EnvelopeRecipient[], isEach: boolean): BodyStream {
    const id = ids.next();
    const targets = isEach
      ? eachTarget(recipients, id, parts.spoolShard, () => ids.next())
      : [wholeTarget(recipients, id, commonShard(recipients) ?? parts.spoolShard())];
    return new ShardBodyStream({ ask: (one) => router.ask(one), clock }, id, targets);
  }

  async function acceptStreamed(message: ReceivedMessage): Promise<readonly AcceptAnswer[]> {
    const fromAllowed = (await allowedFrom(parts, message)?.catch(abortAndThrow(message))) ?? [];
    const finish = () => message.stream!.finish(message, fromAllowed, clock.nowMs() + acceptMsMax);
    return localShard(message) === undefined ? inTurn(finish) : finish();
  }

  async function acceptWhole(message: ReceivedMessage): Promise<AcceptAnswer> {
    const asked = allowedFrom(parts, message);
    const fromAllowed = asked === undefined ? undefined : await asked;
    const local = localShard(message);
    if (local !== undefined) return askShard(parts, message, local, fromAllowed);
    return inTurn(() => askSpool(parts, message, fromAllowed));
  }

  /** What goes on to other servers waits for its turn. */
  async function inTurn<T>(accept: () => Promise<T>): Promise<T> {
    const turn = inFlow.enter();
    if (turn !== undefined) await turn;
    try {
      return await accept();
    } finally {
      inFlow.left();
    }
  }

  function acceptEachWhole(message: ReceivedMessage): Promise<readonly AcceptAnswer[]> {
    const { envelope } = message;
    return Promise.all(
      envelope.recipients.map((recipient) => {
        // A copy that goes by the spool is a message of its own there; others share the id.
        const isByAccount =
          recipient.target.kind === 'account' && recipient.notify?.success !== true;
        const arrival = isByAccount ? message.arrival : { ...message.arrival, id: ids.next() };
        const one = { ...message, arrival, envelope: { ...envelope, recipients: [recipient] } };
        return askShard(parts, one, commonShard([recipient]) ?? parts.spoolShard());
      }),
    );
  }

  return {
    nextId: () => ids.next(),
    reserve: (bytes) => parts.refusal() ?? budget.reserve(bytes),
    release: (bytes) => budget.release(bytes),
    openBody,
    judge: (message) => askToJudge(parts, message),

    async accept(message, reservedBytes) {
      try {
        if (message.stream === undefined && message.bodyBytes <= largeBodyBytesMin) {
          return await acceptWhole(message);
        }
        const open = message.idempotency === undefined ? openBody : openKeyed(parts, message);
        const [answer] = await acceptStreamed(await streamed(message, open));
        return answer!;
      } finally {
        budget.release(reservedBytes);
      }
    },

    async acceptEach(message, reservedBytes) {
      try {
        const isWhole = message.stream === undefined;
        return await (isWhole ? acceptEachWhole(message) : acceptStreamed(message));
      } finally {
        budget.release(reservedBytes);
      }
    },
  };
}

/** What its From may name; undefined: nobody asks. */
function allowedFrom(
  { fromAllowed }: ReceptionParts,
  message: ReceivedMessage,
): Promise<readonly string[]> | undefined {
  if (message.fromAllowed !== undefined) return Promise.resolve(message.fromAllowed);
  const { user } = message.arrival;
  return user === undefined ? undefined : fromAllowed(user);
}

/** The shard whose accounts get it, without a spool. */
function localShard({ idempotency, envelope }: ReceivedMessage): ShardId | undefined {
  return idempotency === undefined ? commonShard(envelope.recipients) : undefined;
}

/** Where an idempotency key is known: a repeat has to come to the same shard. */
function homeShard({ shards }: ReceptionParts, { idempotency }: ReceivedMessage): ShardId {
  return shardId(Number.parseInt(idempotency!.slice(0, 8), 16) % shards);
}

async function askSpool(
  parts: ReceptionParts,
  message: ReceivedMessage,
  fromAllowed: readonly string[] | undefined,
): Promise<AcceptAnswer> {
  if (message.idempotency === undefined) {
    return askShard(parts, message, parts.spoolShard(), fromAllowed);
  }
  const answer = await askShard(parts, message, homeShard(parts, message), fromAllowed);
  return answer.ok ? { ok: true, earlierId: answer.value as MessageId } : answer;
}

function openKeyed(parts: ReceptionParts, message: ReceivedMessage): Reception['openBody'] {
  const { router, clock, ids } = parts;
  return (recipients) => {
    const id = ids.next();
    const targets = [wholeTarget(recipients, id, homeShard(parts, message))];
    return new ShardBodyStream({ ask: (one) => router.ask(one), clock }, id, targets);
  };
}

/** The shard that would accept it looks at its beginning: what its text alone decides is decided by its header. */
async function askToJudge(parts: ReceptionParts, message: ReceivedMessage): Promise<AcceptAnswer> {
  const whole = concat(message.body);
  const isWhole = whole.byteLength <= largeBodyBytesMin;
  const meta: JudgeParams = [packReceived(message, message.fromAllowed), isWhole];
  const body = [isWhole ? whole : whole.subarray(0, largeBodyBytesMin)];
  const shard = commonShard(message.envelope.recipients) ?? parts.spoolShard();
  const asked = askOf(parts, message, { shard, name: messageJudge, meta, body });
  const answer = await parts.router.ask(asked);
  return answer.ok ? { ok: true } : answer;
}

/** One message to one shard. */
function askShard(
  parts: ReceptionParts,
  message: ReceivedMessage,
  shard: ShardId,
  fromAllowed: readonly string[] = [],
): Promise<Answer> {
  const meta = packReceived(message, fromAllowed);
  const { body } = message;
  return parts.router.ask(askOf(parts, message, { shard, name: messageReceive, meta, body }));
}

function askOf(
  { clock }: ReceptionParts,
  { arrival }: ReceivedMessage,
  { shard, name, meta, body }: Pick<Ask, 'shard' | 'name' | 'meta' | 'body'>,
): Ask {
  return {
    shard,
    // The actor is the shard itself: messages of one session may be accepted in any order.
    actor: '',
    name,
    key: arrival.id,
    class: 'short',
    lane: 'normal',
    deadlineMs: clock.nowMs() + acceptMsMax,
    meta,
    body,
  };
}

/** The shard all recipients' accounts are on, if they all are accounts and it is one. */
function commonShard(recipients: readonly EnvelopeRecipient[]): ShardId | undefined {
  const first = recipients[0]!.target;
  if (first.kind !== 'account') return undefined;
  for (let i = 1; i < recipients.length; i++) {
    const { target } = recipients[i]!;
    if (target.kind !== 'account' || target.shard !== first.shard) return undefined;
  }
  return first.shard;
}

/** The session hears of it; its shard must, too. */
function abortAndThrow({ stream }: ReceivedMessage): (error: unknown) => never {
  return (error) => {
    stream!.abort();
    throw error;
  };
}

/** A large message that came in one piece, not by a session: it travels in chunks as any other. */
async function streamed(
  message: ReceivedMessage,
  openBody: Reception['openBody'],
): Promise<ReceivedMessage> {
  if (message.stream !== undefined) return message;
  const stream = openBody(message.envelope.recipients, false);
  for (const part of message.body) {
    for (let at = 0; at < part.byteLength; at += chunkBytes) {
      stream.push([part.subarray(at, at + chunkBytes)]);
      if (stream.isFull) await new Promise<void>((resolve) => stream.whenReady(resolve));
    }
  }
  return { ...message, body: [], stream };
}
