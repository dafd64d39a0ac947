/**
 * Tells the shard which bodies are no longer live, at work and while it replays.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: a body is released once, by the record that ended it; one that a replay pinned in vain as well.
 */

import type { RecordPlace } from '../../store/record.ts';

export interface BodyOwner {
  releaseBody(place: RecordPlace): void;
}

export class Bodies {
  #owner: BodyOwner | undefined;
  /** Ended by the record that is being replayed. */
  #ended: RecordPlace[] = [];

  release(place: RecordPlace): void {
    if (this.#owner === undefined) this.#ended.push(place);
    else this.#owner.releaseBody(place);
  }

  /** A replayed record changed nothing: its body was pinned in vain where no row leads to it. */
  check(place: RecordPlace, isLive: () => boolean): void {
    if (this.#owner === undefined && !isLive()) this.#ended.push(place);
  }

  /** The record that `release` and `check` were called for was replayed. */
  replayed(owner: BodyOwner): void {
    for (const place of this.#ended) owner.releaseBody(place);
    this.#ended = [];
  }

  /** The shard is open. */
  attach(owner: BodyOwner): void {
    this.#owner = owner;
  }
}
