/**
 * What a session believes of its maildrop: INBOX at log-in as a few numbers, and which messages it deleted.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 1939 §4-6.
 * Limits:    a bit for each message, from the first DELE on.
 * Invariant: nothing is taken out of INBOX before QUIT.
 */

import type {
  NumberRanges,
  OpenedMaildrop,
  PackedMaildrop,
} from '../../../actors/asks/pop3-asks.ts';

export class Maildrop {
  readonly packed: PackedMaildrop;
  readonly uidValidity: number;
  /** Messages the session sees; they are numbered from 1. */
  readonly count: number;
  /** Octets of all of them; -1 while nobody has counted. */
  bytes: number;
  /** Octets of those deleted; -1 while nobody has counted. */
  deletedBytes = 0;
  #deletedCount = 0;
  #deleted: Uint8Array | undefined;

  /** Of more than `messagesMax` the newest are seen; 0: all. */
  constructor(account: number, opened: OpenedMaildrop, messagesMax: number) {
    const { modseq, uidNext, uidValidity, messages, bytes } = opened;
    const hidden = messagesMax === 0 ? 0 : Math.max(0, messages - messagesMax);
    this.packed = [account, modseq, uidNext, hidden];
    this.uidValidity = uidValidity;
    this.count = messages - hidden;
    this.bytes = hidden === 0 ? bytes : -1;
  }

  get deletedCount(): number {
    return this.#deletedCount;
  }

  /** A bit for each number, number 1 first; undefined where nothing is deleted. */
  get deleted(): Uint8Array | undefined {
    return this.#deletedCount === 0 ? undefined : this.#deleted;
  }

  /** There is such a message, and it is not deleted. */
  has(number: number): boolean {
    return number >= 1 && number <= this.count && !this.#isDeleted(number);
  }

  delete(number: number): void {
    this.#deleted ??= new Uint8Array(Math.ceil(this.count / 8));
    this.#deleted[(number - 1) >> 3]! |= 1 << ((number - 1) & 7);
    this.#deletedCount++;
    this.deletedBytes = -1;
  }

  reset(): void {
    this.#deleted = undefined;
    this.#deletedCount = 0;
    this.deletedBytes = 0;
  }

  /** Numbers from `first` to `last` that are deleted, or that are not. */
  numbers(first: number, last: number, areDeleted: boolean): NumberRanges {
    const ranges: number[] = [];
    for (let number = first; number <= last; number++) {
      if (this.#isDeleted(number) !== areDeleted) continue;
      const end = ranges.length - 1;
      if (end > 0 && ranges[end] === number - 1) ranges[end] = number;
      else ranges.push(number, number);
    }
    return ranges;
  }

  #isDeleted(number: number): boolean {
    const byte = this.#deleted?.[(number - 1) >> 3] ?? 0;
    return (byte & (1 << ((number - 1) & 7))) !== 0;
  }
}
