/**
 * Writes what was told of messages into a shard's journal and event log.
 *
 * Runs in:   engine threads.
 * Limits:    `toldPerAskMax` events an ask.
 * Invariant: an event that must survive a kill is in the journal before the answer.
 */

import type { ArrivedAsk, Handlers } from '../../actors/ask.ts';
import { feedbackAsks, type TellFeedback, toldPerAskMax } from '../../actors/asks/feedback-asks.ts';
import { assert } from '../../base/assert.ts';
import { failure } from '../../base/errors.ts';
import type { OpenShard } from '../shards.ts';
import { toldDraft } from './records.ts';

type ToldShard = Pick<OpenShard, 'store' | 'events'>;

export function feedbackHandlers(shardOf: (ask: ArrivedAsk) => ToldShard | undefined): Handlers {
  return {
    [feedbackAsks.tell]: async (ask) => {
      const shard = shardOf(ask);
      if (shard === undefined)
        return failure('not-possible-now', `shard ${ask.shard} is not open here`);
      const { events, isDurable } = ask.meta as TellFeedback;
      assert(events.length <= toldPerAskMax, 'no more events than an ask may have');
      // What a record tells comes from the record.
      if (isDurable) await shard.store.append(events.map(toldDraft));
      else for (const event of events) shard.events.told(event);
      return { ok: true, value: undefined };
    },
  };
}
