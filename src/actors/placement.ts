/**
 * Which thread owns which shard.
 *
 * Runs in:   main thread; pure.
 * Invariant: each shard has one owner at any time; only `move` changes it, while the shard is closed.
 */

import { assert } from '../base/assert.ts';
import { type ShardId, shardId } from '../base/ids.ts';
import type { ThreadLoad } from './load.ts';

/** A spool shard is changed only for a thread with so much less to do: spreading must not shrink the batches. */
const betterBy = 0.7;
/** Below this share of busy time one thread alone is fast enough, and its batches are the larger. */
const busyEnough = 0.4;
/** A thread that owes answers for longer than a slow sync takes stands still, or its disk does. */
const waitMsEnough = 100;
/** So long a debt weighs as much as a thread that is busy all the time. */
const waitMsFull = 250;

export interface PlacementOptions {
  readonly shards: number;
  /** Threads that own shards: numbers 0 up to `workers - 1`. */
  readonly workers: number;
  /** Share of time a thread is busy, 0 to 1; asks that wait for it; how long it has owed an answer. */
  readonly load: (thread: number) => Pick<ThreadLoad, 'busy' | 'backlog' | 'waitMs'>;
  /** Whether new mail may go to the shard now. */
  readonly isOpen: (shard: ShardId) => boolean;
}

export class Placement {
  readonly shards: number;
  readonly workers: number;
  readonly #owners: number[];
  readonly #options: PlacementOptions;
  #spoolThread = 0;

  constructor(options: PlacementOptions) {
    assert(options.workers >= 1 && options.shards >= 1, 'placement needs a thread and a shard');
    this.#options = options;
    this.shards = options.shards;
    this.workers = options.workers;
    this.#owners = Array.from({ length: options.shards }, (_, i) => i % options.workers);
  }

  owner(shard: ShardId): number {
    const thread = this.#owners[shard];
    assert(thread !== undefined, `no such shard: ${shard}`);
    return thread;
  }

  shardsOf(thread: number): ShardId[] {
    const owned: ShardId[] = [];
    for (let i = 0; i < this.#owners.length; i++) {
      if (this.#owners[i] === thread) owned.push(shardId(i));
    }
    return owned;
  }

  move(shard: ShardId, thread: number): void {
    assert(thread >= 0 && thread < this.workers, `no such thread: ${thread}`);
    this.#owners[shard] = thread;
  }

  /** Where a new message is spooled: the active spool shard of the least loaded thread. */
  spoolShard(): ShardId {
    return this.activeShard(this.#spoolThread) ?? this.chooseSpoolThread();
  }

  /** Looks at the loads again; called now and then, not per message. */
  chooseSpoolThread(): ShardId {
    let best = this.#spoolThread;
    let bestScore = this.#score(best);
    const active = this.activeShard(best);
    const { busy, waitMs } = this.#options.load(best);
    if (active !== undefined && busy <= busyEnough && waitMs <= waitMsEnough) return active;
    for (let thread = 0; thread < this.workers; thread++) {
      const score = this.#score(thread);
      const limit = best === this.#spoolThread ? bestScore * betterBy : bestScore;
      if (score < limit) {
        best = thread;
        bestScore = score;
      }
    }
    this.#spoolThread = best;
    return this.activeShard(best) ?? shardId(0);
  }

  /** The one shard of a thread that takes new mail: its lowest that is open. */
  activeShard(thread: number): ShardId | undefined {
    for (let i = 0; i < this.#owners.length; i++) {
      if (this.#owners[i] === thread && this.#options.isOpen(shardId(i))) return shardId(i);
    }
    return undefined;
  }

  #score(thread: number): number {
    if (this.activeShard(thread) === undefined) return Number.POSITIVE_INFINITY;
    const { busy, backlog, waitMs } = this.#options.load(thread);
    return busy + backlog / 1_000 + waitMs / waitMsFull;
  }
}
