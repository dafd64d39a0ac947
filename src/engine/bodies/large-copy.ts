/**
 * Brings a copy of a large message from a spool into an account, on this thread's shards at once, else by chunks over
 * the main thread.
 *
 * Runs in:   engine threads.
 * Limits:    `copies` bounds the bytes of copies under way: a message to a hundred accounts is not copied a hundred
 *            times at once. One chunk of a copy is between threads.
 * Invariant: as any copy it carries its delivery id: done twice, it changes nothing. A stream that fails is let go at
 *            its shard.
 */

import type { Answer, Ask, AskUpwards } from '../../actors/ask.ts';
import {
  type BodyChunk,
  type BodyDeliver,
  bodyAsks,
  chunkBytes,
} from '../../actors/asks/body-asks.ts';
import type { DeliverAnswer } from '../../actors/asks/mailbox-asks.ts';
import { type Failure, failureOf } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BodySource } from '../delivery/message.ts';
import type { Delivery } from '../mailbox/delivery.ts';
import { packDelivery } from '../mailbox/packed-delivery.ts';
import type { OpenShard } from '../shards.ts';
import type { BodyTurns } from './body-turns.ts';
import { deliverLarge, type LargeText } from './large-delivery.ts';

/** How long a spool waits for another thread to take a chunk, and all of the copy. */
const chunkMsMax = 60_000;
const copyMsMax = 4 * 60_000;

export interface LargeCopyParts {
  readonly whole: BodyTurns;
  readonly copies: BodyTurns;
  readonly shardOf: (
    shard: ShardId,
  ) => Pick<OpenShard, 'store' | 'mailboxes' | 'events'> | undefined;
  readonly uplink: AskUpwards;
  readonly clock: Clock;
}

/** One outcome for each target of the delivery, whose targets are accounts of `shard`. */
export type LargeCopy = (
  delivery: Delivery,
  shard: ShardId,
  key: string,
  source: BodySource,
) => Promise<DeliverAnswer | Failure>;

export function createLargeCopy(parts: LargeCopyParts): LargeCopy {
  return (delivery, shard, key, source) =>
    parts.copies.with(source.bytes, async () => {
      const here = parts.shardOf(shard);
      if (here === undefined) return copyUpwards(parts, delivery, shard, key, source);
      try {
        const isOpen = () => parts.shardOf(shard) === here;
        const outcomes = await deliverLarge(parts.whole, here, delivery, textOf(source), isOpen);
        here.events.copied(delivery, outcomes);
        return outcomes;
      } catch (error) {
        return failureOf(error);
      }
    });
}

function textOf(source: BodySource): LargeText {
  return { bytes: source.bytes, slices: () => slicesOf(source) };
}

async function* slicesOf(source: BodySource): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < source.bytes; at += chunkBytes) {
    yield await source.read(at, Math.min(chunkBytes, source.bytes - at));
  }
}

async function copyUpwards(
  { uplink, clock }: LargeCopyParts,
  delivery: Delivery,
  shard: ShardId,
  key: string,
  source: BodySource,
): Promise<DeliverAnswer | Failure> {
  const askOf = (name: string, meta: unknown, body: readonly Uint8Array[], msMax: number): Ask => ({
    shard,
    actor: key,
    name,
    key: '',
    class: 'short',
    lane: 'normal',
    deadlineMs: clock.nowMs() + msMax,
    meta,
    body,
  });
  let index = 0;
  let answer: Answer = { ok: true, value: undefined };
  try {
    for await (const slice of slicesOf(source)) {
      const meta: BodyChunk = [key, index++];
      answer = await uplink(askOf(bodyAsks.chunk, meta, [slice], chunkMsMax));
      if (!answer.ok) break;
    }
    if (answer.ok) {
      const meta: BodyDeliver = [key, packDelivery(delivery)];
      const ask = askOf(bodyAsks.deliver, meta, [], copyMsMax);
      answer = await uplink({ ...ask, class: 'long', key });
    }
  } catch (error) {
    answer = failureOf(error);
  }
  if (answer.ok) return answer.value as DeliverAnswer;
  void uplink({ ...askOf(bodyAsks.abort, key, [], chunkMsMax), lane: 'system' });
  return answer;
}
