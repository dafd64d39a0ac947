/**
 * What one client leaves unread of what it was told: whether it may ask for more, and whether it reads fast enough to
 * stay.
 *
 * Runs in:   edge (main thread).
 * Limits:    `unsentBytesMax` of one client; `allUnsentBytesMax` of all (`write-queues.ts`).
 * Invariant: who was told to wait is woken by the sweep that finds all read, if not by its socket before: a socket that
 *            never filled does not say that it is empty again.
 */

import { ReadingPace, type WriteQueues } from './write-queues.ts';

interface UnsentService {
  readonly writeQueues: WriteQueues;
  /** Coarse time. */
  readonly tickMs: number;
  readonly policy: {
    readonly limits: { readonly unsentBytesMax: number; readonly allUnsentBytesMax: number };
  };
}

export class Unsent {
  readonly #service: UnsentService;
  /** Absent: the client has read all, as far as we looked. */
  #pace: ReadingPace | undefined;
  #sentBytes = 0;

  constructor(service: UnsentService) {
    this.#service = service;
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  /** `unsentBytes`, here and below: octets the client has not taken. */
  isFull(unsentBytes: number): boolean {
    const { policy, writeQueues } = this.#service;
    const { unsentBytesMax, allUnsentBytesMax } = policy.limits;
    if (unsentBytes > unsentBytesMax) return true;
    return unsentBytes > 0 && writeQueues.bytes > allUnsentBytesMax;
  }

  /** The same, and a sweep says when all is read. */
  mustWait(unsentBytes: number): boolean {
    if (!this.isFull(unsentBytes)) return false;
    this.watch(unsentBytes);
    return true;
  }

  /** A sweep says when all is read. */
  watch(unsentBytes: number): void {
    const { writeQueues, tickMs } = this.#service;
    this.#pace ??= new ReadingPace(writeQueues, tickMs, this.#sentBytes - unsentBytes);
  }

  /** `read`: whoever waited goes on. `slow`: others wait for the room it takes. */
  sweep(nowMs: number, unsentBytes: number): 'read' | 'slow' | undefined {
    if (unsentBytes === 0) {
      if (this.#pace === undefined) return undefined;
      this.end();
      return 'read';
    }
    this.watch(unsentBytes);
    const { allUnsentBytesMax } = this.#service.policy.limits;
    const bytes = { unsentBytes, sentBytes: this.#sentBytes };
    return this.#pace!.isTooSlow(nowMs, bytes, allUnsentBytesMax) ? 'slow' : undefined;
  }

  /** The session ends, or all is read. */
  end(): void {
    this.#pace?.end();
    this.#pace = undefined;
  }
}
