/**
 * Which open shards take no new mail, as their threads last told.
 *
 * Runs in: main thread.
 */

import type { ShardRefusal } from '../actors/asks/engine-asks.ts';
import type { Failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';

export class ShardRefusals {
  readonly #refusals = new Map<ShardId, Failure>();

  note({ shard, refusal }: ShardRefusal): void {
    if (refusal === undefined) this.#refusals.delete(shard);
    else this.#refusals.set(shard, refusal);
  }

  of(shard: ShardId): Failure | undefined {
    return this.#refusals.size === 0 ? undefined : this.#refusals.get(shard);
  }

  /** One line for all shards with the same reason: a full disk is one fault and not 64. */
  faults(): string[] {
    const shardsOf = new Map<string, ShardId[]>();
    for (const [shard, { detail }] of this.#refusals) {
      const shards = shardsOf.get(detail);
      if (shards === undefined) shardsOf.set(detail, [shard]);
      else shards.push(shard);
    }
    return Array.from(shardsOf, ([detail, shards]) => {
      const numbers = shards.sort((a, b) => a - b).join(', ');
      return `no new mail into shard ${numbers}: ${detail}`;
    });
  }
}
