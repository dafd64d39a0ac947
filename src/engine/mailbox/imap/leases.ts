/**
 * Messages whose literal was cut at the end of an answer: their places are kept until the session has read on.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `leasesMax` at a time, with `madeBytesMax` of what was decoded for them; one that nobody came back for within
 *            `leaseMsMax` ends. Of one reader `readerLeasesMax` and half of the bytes: its oldest end for its newest, so that
 *            nobody takes them all by leaving answers unread.
 * Invariant: a message under a lease can be read to its end though it is expunged meanwhile: a literal's length was
 *            promised.
 */

import { MailError } from '../../../base/errors.ts';
import { mebibyte, minuteMs } from '../../../base/units.ts';
import type { PartPlace } from '../../../mail/formats/mime/part-table.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { DocumentRow } from '../rows/document-row.ts';

const leasesMax = 1_000;
export const readerLeasesMax = 100;
export const leaseMsMax = 10 * minuteMs;
/** Of decoded parts that sessions have not read on. */
const madeBytesMax = 64 * mebibyte;
const readerMadeBytesMax = madeBytesMax / 2;

export interface LeasedMessage {
  readonly row: DocumentRow;
  readonly parts: readonly PartPlace[];
  /** The literal that was cut, where it was made of what is stored: filtered or decoded. */
  readonly made?: Uint8Array;
}

interface Lease extends LeasedMessage {
  /** Who reads it: not always whose it is. */
  readonly reader: number;
  readonly hold: { release(): void };
  endMs: number;
}

export class Leases {
  readonly #shard: Pick<MailboxShard, 'lease'>;
  readonly #clock: Clock;
  /** In order of last use. */
  readonly #leases = new Map<number, Lease>();
  #number = 0;
  #madeBytes = 0;

  constructor(shard: Pick<MailboxShard, 'lease'>, clock: Clock) {
    this.#shard = shard;
    this.#clock = clock;
  }

  get count(): number {
    return this.#leases.size;
  }

  /** @throws MailError `store-busy` */
  take(message: LeasedMessage, reader: number): number {
    this.#expire();
    const madeBytes = message.made?.byteLength ?? 0;
    this.#makeRoom(reader, madeBytes);
    if (this.#leases.size >= leasesMax || this.#madeBytes + madeBytes > madeBytesMax) {
      throw new MailError('store-busy', 'too many long answers');
    }
    this.#madeBytes += madeBytes;
    const hold = this.#shard.lease(message.row.place.segment);
    this.#number++;
    this.#leases.set(this.#number, { ...message, reader, hold, endMs: this.#endMs() });
    return this.#number;
  }

  /** The message, for as long again. @throws MailError `not-possible-now` when the lease ended */
  use(number: number): LeasedMessage {
    const lease = this.#leases.get(number);
    if (lease === undefined) throw new MailError('not-possible-now', 'the lease has ended');
    lease.endMs = this.#endMs();
    this.#leases.delete(number);
    this.#leases.set(number, lease);
    return lease;
  }

  release(number: number): void {
    const lease = this.#leases.get(number);
    if (lease === undefined) return;
    this.#madeBytes -= lease.made?.byteLength ?? 0;
    lease.hold.release();
    this.#leases.delete(number);
  }

  #endMs(): number {
    return this.#clock.monotonicMs() + leaseMsMax;
  }

  /** Among the reader's own. */
  #makeRoom(reader: number, madeBytes: number): void {
    const own = [...this.#leases].filter(([, lease]) => lease.reader === reader);
    let count = own.length;
    let bytes = own.reduce((sum, [, { made }]) => sum + (made?.byteLength ?? 0), madeBytes);
    for (const [number, { made }] of own) {
      const isFull = count >= readerLeasesMax;
      if (!isFull && (bytes <= readerMadeBytesMax || bytes === madeBytes)) return;
      if (!isFull && made === undefined) continue;
      this.release(number);
      count--;
      bytes -= made?.byteLength ?? 0;
    }
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [number, lease] of this.#leases) {
      if (lease.endMs > nowMs) return;
      this.release(number);
    }
  }
}
