/**
 * Where the stream of events goes on to: files, a broker. Webhooks have a way of their own: each has a tenant.
 *
 * Contract (`test/contracts/event-sink.ts`):
 * - `append` resolves when all of the batch is durable there, and events of one sink come in the order of their appends.
 *   The caller keeps the cursor: it moves on after `append` resolved, and gives the same batch again where it did not.
 * - A rejected `append` (`SinkError`) may have left any part of the batch behind, each event whole; the next one makes
 *   good what it needs to, and appends. So every event is there at least once, repeats by the same `id`.
 * - One `append` at a time. What was given is read until it settles, and never kept.
 * - `cursor` is where the stream goes on behind the batch: what else a reader needs to go on by itself.
 * - After `close` nothing is open; a sink made anew on the same place goes on behind what is there.
 */

export interface SinkEvent {
  readonly id: string;
  /** "" where none is known. Events of one message keep their order: what a broker may divide by. */
  readonly message: string;
}

export class SinkError extends Error {
  override readonly name = 'SinkError';
}

export interface EventSink {
  /** Octets of what it took since it was made, as they stand there. */
  readonly bytes: number;
  append(events: readonly SinkEvent[], cursor: string): Promise<void>;
  close(): Promise<void>;
}
