/**
 * Asks of the runtime itself to its threads.
 *
 * Runs in:   both sides; plain data only.
 */

import type { ShardId } from '../../base/ids.ts';
import type { Ask } from '../ask.ts';

/** Opens the shard on the thread asked; answers `ShardOpened`. A thread opens a shard that is open only once. */
export const shardOpen = 'shard.open';
/** Drains and closes the shard; afterwards another thread may open it. */
export const shardClose = 'shard.close';
/** Empties the index of a shard that is closed: the next opening makes it again from the journal. */
export const shardForget = 'shard.forget';

/** Whether the thread turns; any answer says that it does. */
export const threadHello = 'thread.hello';

/** `value` of the answer to `shard.open`; undefined says the same as `isReadOnly: false`. */
export interface ShardOpened {
  /** Damaged: it answers reads and takes no new mail. */
  readonly isReadOnly: boolean;
}

/** For asks to a thread, whatever it owns. */
export const noShard = 0xffff_ffff as ShardId;

export function systemAsk(name: string, shard: ShardId, meta: unknown = undefined): Ask {
  return {
    shard,
    actor: '',
    name,
    key: '',
    class: 'short',
    lane: 'system',
    deadlineMs: 0,
    meta,
    body: [],
  };
}
