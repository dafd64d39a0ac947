/**
 * Answers `events.read`, the next events of one shard, and `events.note`, which puts some into its journal.
 *
 * Runs in:   engine threads.
 * Limits:    `eventsPerAskMax` events an answer, `notesPerAskMax` notes an ask.
 * Invariant: a note is on disk before it is answered.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import {
  type EventNote,
  type EventsQuery,
  eventAsks,
  notesPerAskMax,
} from '../../actors/asks/event-asks.ts';
import { eventsPerAskMax } from '../../actors/asks/trace-asks.ts';
import { failure, failureOf } from '../../base/errors.ts';
import type { OpenShard } from '../shards.ts';
import { noteDraft } from './noted.ts';

type EventShard = Pick<OpenShard, 'eventLog' | 'store'>;

export function eventHandlers(shardOf: (ask: ArrivedAsk) => EventShard | undefined): Handlers {
  const onShard =
    (run: (shard: EventShard, meta: unknown) => Promise<Answer>) =>
    async (ask: ArrivedAsk): Promise<Answer> => {
      const shard = shardOf(ask);
      return shard === undefined
        ? failure('not-possible-now', `shard ${ask.shard} is not open here`)
        : await run(shard, ask.meta);
    };
  return {
    [eventAsks.read]: onShard(async ({ eventLog }, meta) => {
      const query = meta as EventsQuery;
      const limit = Math.min(query.limit, eventsPerAskMax);
      return { ok: true, value: await eventLog.readForward({ ...query, limit }) };
    }),
    [eventAsks.note]: onShard(async ({ store }, meta) => {
      const notes = meta as readonly EventNote[];
      if (notes.length > notesPerAskMax) return failure('argument-invalid', 'too many notes');
      try {
        await store.append(notes.map(noteDraft));
      } catch (error) {
        return failureOf(error);
      }
      return { ok: true, value: undefined };
    }),
  };
}
