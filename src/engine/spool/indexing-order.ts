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
  readonly #onCount: (count: number) => void;

  constructor(onCount: (count: number) => void = () => {}) {
    this.#onCount = onCount;
    onCount(0);
  }

  get count(): number {
    return this.#messages.size;
  }

  add(message: SpoolMessage): void {
    this.#messages.add(message);
    this.#onCount(this.#messages.size);
  }

  settled(message: SpoolMessage): void {
    if (this.#messages.delete(message)) this.#onCount(this.#messages.size);
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
