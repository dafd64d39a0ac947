/**
 * What the HTTP API may learn and end of a message: out of the queues and event logs of all shards.
 *
 * Runs in:   main thread.
 * Limits:    `eventsMax` events of one message are read.
 */

import type { ControlResult, QueueEntry } from '../actors/asks/control.ts';
import { type QueueAction, queueAsks } from '../actors/asks/queue-asks.ts';
import { MailError } from '../base/errors.ts';
import { type MessageId, shardId } from '../base/ids.ts';
import type { MessageLookUp } from '../edge/protocols/http/api/look-up.ts';
import { answered, askShard } from './control/shard-asks.ts';
import { readEvents, type TraceParts } from './control/trace-handlers.ts';

const askMsMax = 30_000;
const eventsMax = 5_000;

export function messageLookUp(parts: TraceParts): MessageLookUp {
  const ask = (shard: number, name: string, meta: unknown) =>
    askShard(parts, { shard: shardId(shard), actor: 'operator', name, meta, msMax: askMsMax });

  async function entryOn(shard: number, id: MessageId): Promise<QueueEntry | undefined> {
    const answer = await ask(shard, queueAsks.show, id);
    if (answer.ok) return (answer.value as ControlResult<'queue.show'>).entry;
    if (answer.code === 'not-found') return undefined;
    throw new MailError(answer.code, answer.detail);
  }

  return {
    async entry(id) {
      const shards = Array.from({ length: parts.shards }, (_, shard) => entryOn(shard, id));
      const found = await Promise.all(shards);
      return found.find((entry) => entry !== undefined);
    },
    async events(id) {
      return (await readEvents(parts, id, eventsMax)).events;
    },
    async cancel({ id, shard }) {
      const action: QueueAction = { action: 'cancel', ids: [id], only: {} };
      const { count } = answered(await ask(shard, queueAsks.act, action)) as { count: number };
      return count > 0;
    },
  };
}
