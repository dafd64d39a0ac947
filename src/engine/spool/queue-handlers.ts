/**
 * Operators' asks about a shard's queue: list, show, and what they do to it.
 *
 * Runs in: engine threads.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import type { QueueAction, QueueActPage, QueueListParams } from '../../actors/asks/queue-asks.ts';
import { queueAsks } from '../../actors/asks/queue-asks.ts';
import { concat } from '../../base/bytes.ts';
import { failure } from '../../base/errors.ts';
import type { MessageId } from '../../base/ids.ts';
import type { OpenShard } from '../shards.ts';
import type { SpoolMessage } from './message.ts';
import { actOnNamed, actOnPage, type QueueActParts } from './queue-acts.ts';
import { listQueue, type QueueListParts } from './queue-list.ts';
import { entryOf } from './queue-view.ts';
import { readBeginning } from './reading.ts';
import type { Spool } from './spool.ts';

/** Of a message's header shown to an operator. */
const headerBytesMax = 65_536;

export interface QueueParts extends QueueListParts, QueueActParts {
  readonly shardOf: (ask: ArrivedAsk) => OpenShard | undefined;
}

export function queueHandlers(parts: QueueParts): Handlers {
  const onSpool =
    (run: (ask: ArrivedAsk, shard: OpenShard) => Promise<Answer>) =>
    (ask: ArrivedAsk): Answer | Promise<Answer> => {
      const shard = parts.shardOf(ask);
      return shard === undefined
        ? failure('not-possible-now', `shard ${ask.shard} is not open here`)
        : run(ask, shard);
    };
  return {
    [queueAsks.list]: onSpool(async (ask, shard) => {
      return { ok: true, value: await listQueue(parts, shard, ask.meta as QueueListParams) };
    }),
    [queueAsks.show]: onSpool(async (ask, shard) => {
      const message = shard.spool.find(ask.meta as MessageId);
      if (message === undefined) return failure('not-found', String(ask.meta));
      const header = await readHeader(shard.spool, message);
      return { ok: true, value: { entry: entryOf(parts, shard.store.id, message), header } };
    }),
    [queueAsks.act]: onSpool((ask, shard) => actOnNamed(parts, shard, ask.meta as QueueAction)),
    [queueAsks.actOnPage]: onSpool((ask, shard) =>
      actOnPage(parts, shard, { ask, page: ask.meta as QueueActPage }),
    ),
  };
}

async function readHeader(spool: Spool, message: SpoolMessage): Promise<string> {
  const bytes = concat(await readBeginning(spool.shard, message));
  const end = bytes.indexOf('\r\n\r\n');
  return bytes.toString('utf8', 0, Math.min(end < 0 ? bytes.byteLength : end + 2, headerBytesMax));
}
