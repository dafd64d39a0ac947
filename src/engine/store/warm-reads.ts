/**
 * Reads at once what lies in the page cache, and stops when it does not: from memory a read takes 3 µs, through libuv's
 * threads 40 µs of CPU and two wakings; from a disk it would hold the thread up.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    a read above `slowMs` came from the disk, or another process had the processor: its time is a debt. Above
 *            `debtMsMax` none is made until the debt is paid, at `shareOfTime`: so for its disk a shard waits 2 % of the
 *            time at most. No debt is above `debtMsMost`, which is paid in a second.
 */

import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DiskFile } from '../../ports/disk.ts';

const slowMs = 0.2;
const shareOfTime = 0.02;
const debtMsMax = 5;
const debtMsMost = debtMsMax + secondMs * shareOfTime;

export class WarmReads {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** As it was at `#asOfMs`. */
  #debtMs = 0;
  #asOfMs = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Undefined: not now. @throws DiskError */
  read(file: DiskFile, position: number, into: Uint8Array): number | undefined {
    const startMs = this.#clock.monotonicMs();
    if (this.#debtMs > 0 && this.#debtAt(startMs) > debtMsMax) return undefined;
    try {
      return file.readNow(position, into);
    } finally {
      // One that fails counts too: a disk tries for seconds to read a bad place.
      this.#took(startMs);
    }
  }

  #took(startMs: number): void {
    const endMs = this.#clock.monotonicMs();
    if (endMs - startMs < slowMs) return;
    this.#debtMs = Math.min(debtMsMost, this.#debtAt(endMs) + endMs - startMs);
    this.#asOfMs = endMs;
  }

  #debtAt(nowMs: number): number {
    return Math.max(0, this.#debtMs - (nowMs - this.#asOfMs) * shareOfTime);
  }
}
