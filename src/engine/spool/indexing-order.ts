/**
 * Messages that stand only in the journal, in the order they were accepted.
 *
 * Runs in:   engine thread; owned by one spool actor.
 * Invariant: `floor()` is the sequence of the oldest of them: what replay after a crash must not skip.
 */

import type { SpoolMessage } from './message.ts';

export class IndexingOrder {
  // A Set keeps insertion order, which is sequence order: both grow with each group commit.
  readonly #messages = new Set<SpoolMessage>();

  get count(): number {
    return this.#messages.size;
  }

  add(message: SpoolMessage): void {
    this.#messages.add(message);
  }

  settled(message: SpoolMessage): void {
    this.#messages.delete(message);
  }

  floor(): number {
    for (const message of this.#messages) return message.place.sequence;
    return Number.POSITIVE_INFINITY;
  }

  /** Calls `take` for those accepted up to `acceptedMs`, oldest first; `take` may settle them. */
  each(acceptedMs: number, take: (message: SpoolMessage) => void): void {
    for (const message of this.#messages) {
      if (message.acceptedMs > acceptedMs) return;
      take(message);
    }
  }

  messages(): Iterable<SpoolMessage> {
    return this.#messages;
  }
}
