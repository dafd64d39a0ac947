/**
 * Joins appends into groups: one write and one sync answer all that came while the last group was
 * being synced.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `groupBytesMax`, `groupRecordsMax` a group; `waitingBytesMax` waiting, refused above
 *            with `store-busy`.
 * Invariant: records are written in the order of the calls; a lazy append joins the next group, and
 *            starts one itself only after `lazyMsMax`.
 */

import { MailError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { encodedBytes } from './journal/parcel-encoder.ts';
import type { StoreLimits } from './limits.ts';
import type { RecordDraft, RecordPlace } from './record.ts';

interface Waiting {
  readonly drafts: readonly RecordDraft[];
  readonly bytes: number;
  readonly resolve: (places: readonly RecordPlace[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  readonly clock: Clock;
  readonly limits: StoreLimits;
  /** Makes one group durable; a rejection fails every append of that group and no other. */
  readonly commit: (drafts: readonly RecordDraft[]) => Promise<readonly RecordPlace[]>;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isRunning = false;
  #isDue = false;
  #lazyTimer: Timer | undefined;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  append(drafts: readonly RecordDraft[], isLazy: boolean): Promise<readonly RecordPlace[]> {
    if (drafts.length === 0) return Promise.resolve([]);
    let bytes = 0;
    for (const draft of drafts) bytes += encodedBytes(draft);
    const { limits } = this.#options;
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > limits.waitingBytesMax) {
      return Promise.reject(new MailError('store-busy', `${this.#waitingBytes} bytes wait`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ drafts, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (isLazy) this.#startLater();
      else this.#startSoon();
    });
  }

  /** Resolves when nothing waits and nothing is being written. */
  flush(): Promise<void> {
    if (!this.#isRunning && this.#waiting.length === 0) return Promise.resolve();
    this.#startSoon();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** At the end of this turn, so that all appends of one parcel of asks make one group. */
  #startSoon(): void {
    if (this.#isDue || this.#isRunning) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isRunning) void this.#run();
    });
  }

  #startLater(): void {
    if (this.#lazyTimer !== undefined || this.#isDue || this.#isRunning) return;
    this.#lazyTimer = this.#options.clock.setTimer(this.#options.limits.lazyMsMax, () => {
      this.#lazyTimer = undefined;
      this.#startSoon();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    this.#lazyTimer?.cancel();
    this.#lazyTimer = undefined;
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      const drafts = group.length === 1 ? group[0]!.drafts : group.flatMap((one) => one.drafts);
      try {
        const places = await this.#options.commit(drafts);
        answer(group, places);
      } catch (error) {
        for (const waiting of group) waiting.reject(error);
      }
    }
    this.#isRunning = false;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /** Whole appends, at least one. */
  #takeGroup(): Waiting[] {
    const { groupBytesMax, groupRecordsMax } = this.#options.limits;
    let bytes = 0;
    let records = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      const isOver =
        bytes + waiting.bytes > groupBytesMax || records + waiting.drafts.length > groupRecordsMax;
      if (count > 0 && isOver) break;
      bytes += waiting.bytes;
      records += waiting.drafts.length;
      count++;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    this.#waitingBytes -= bytes;
    return group;
  }
}

function answer(group: readonly Waiting[], places: readonly RecordPlace[]): void {
  if (group.length === 1) {
    group[0]!.resolve(places);
    return;
  }
  let at = 0;
  for (const { drafts, resolve } of group) {
    resolve(places.slice(at, at + drafts.length));
    at += drafts.length;
  }
}
