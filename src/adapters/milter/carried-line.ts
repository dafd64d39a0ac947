/**
 * A milter's connection that the main thread has, written to and read from as one's own.
 *
 * Runs in:   engine threads.
 * Limits:    `unsentBytesMax` wait for the next question; `answersBytesMax` in all; the time of the scan.
 * Invariant: whoever waits is told when the time is over, whatever the other thread does.
 */

import { Buffer } from 'node:buffer';
import type { ClaimedConversation } from '../../ports/carried-scans.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanError } from '../scanning/scan-error.ts';
import type { MilterLine } from './milter-session.ts';

/** Questions without answers travel together. */
const unsentBytesMax = 262_144;

export class CarriedLine implements MilterLine {
  readonly #claimed: ClaimedConversation;
  readonly #time: ScanTime;
  readonly #clock: Clock;
  readonly #answersBytesMax: number;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #unread: Buffer = Buffer.alloc(0);
  #readBytes = 0;

  constructor(claimed: ClaimedConversation, time: ScanTime, clock: Clock, answersBytesMax: number) {
    this.#claimed = claimed;
    this.#time = time;
    this.#clock = clock;
    this.#answersBytesMax = answersBytesMax;
  }

  /** @throws ScanError */
  async send(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.#unsent.push(part);
      this.#unsentBytes += part.length;
    }
    if (this.#unsentBytes > unsentBytesMax) await this.#exchange(false);
  }

  /** @throws ScanError */
  async readExactly(length: number): Promise<Buffer> {
    while (this.#unread.length < length) {
      const bytes = await this.#exchange(true);
      this.#readBytes += bytes.length;
      if (this.#readBytes > this.#answersBytesMax)
        throw new ScanError('broken', 'an answer without end');
      const came = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#unread = this.#unread.length === 0 ? came : Buffer.concat([this.#unread, came]);
    }
    const found = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return found;
  }

  /** Nobody waits for it without end. */
  async release(isGood: boolean): Promise<void> {
    const isUsable = isGood && this.#unread.length === 0;
    const released = this.#claimed.release(isUsable ? this.#taken() : [], isUsable);
    await this.#inTime(released).catch(() => {});
  }

  async #exchange(isAnswerDue: boolean): Promise<Uint8Array> {
    const answer = await this.#inTime(this.#claimed.exchange(this.#taken(), isAnswerDue));
    if ('fault' in answer) throw new ScanError(answer.fault, answer.detail);
    return answer.bytes;
  }

  #taken(): Uint8Array[] {
    const unsent = this.#unsent;
    this.#unsent = [];
    this.#unsentBytes = 0;
    return unsent;
  }

  /** @throws ScanError */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { endMs, signal } = this.#time;
    const { promise, reject } = Promise.withResolvers<never>();
    const leftMs = Math.max(0, endMs - this.#clock.monotonicMs());
    const over = () => reject(new ScanError('timed-out', 'no answer in time'));
    const timer = this.#clock.setTimer(leftMs, over);
    const close = () => reject(new ScanError('closed', 'it is closed'));
    if (signal.aborted) close();
    signal.addEventListener('abort', close, { once: true });
    try {
      return await Promise.race([work, promise]);
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', close);
    }
  }
}
