/**
 * How many messages one tenant has handed in this hour and this day, and how many are written down as handed in.
 *
 * Runs in:   edge (main thread); pure (time is an argument).
 * Limits:    what is written down is at most a block ahead of the count: a hundredth of the smaller quota, at least one
 *            message and at most `blockCountMax`.
 * Invariant: nothing is counted past what is written down, and nothing is written down past a quota: who begins with
 *            what was written down never has more taken than the quota.
 */

import { dayMs, hourMs } from '../../base/units.ts';

const blockCountMax = 1_000;
const blockShare = 0.01;

/** Of a window: which one, and how many are written down for it. */
type Written = readonly [number: number, count: number];
export type QuotaRow = readonly [hour: Written, day: Written];

/** Messages of a window of time; windows follow each other without a gap. */
class Window {
  readonly #lengthMs: number;
  #number = 0;
  #count = 0;
  #written = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** As it was written: what a kill kept from being used counts as used. */
  begin([number, count]: Written): void {
    this.#number = number;
    this.#count = count;
    this.#written = count;
  }

  count(nowMs: number): number {
    const number = Math.floor(nowMs / this.#lengthMs);
    if (number > this.#number) {
      this.#number = number;
      this.#count = 0;
      this.#written = 0;
      // A clock that is set back a little opens no new window. One that had run far ahead would never leave its window:
      // the count goes on in that of now.
    } else if (number < this.#number - 1) {
      this.#number = number;
      this.#written = 0;
    }
    return this.#count;
  }

  /** After `count` of now: how many may still be counted. */
  get left(): number {
    return this.#written - this.#count;
  }

  /** What is to be written, so that `block` may be counted and no more than `max` in all; 0: no such end. */
  ahead(block: number, max: number): Written {
    const count = this.#count + block;
    return [this.#number, max > 0 ? Math.max(this.#count, Math.min(count, max)) : count];
  }

  get exact(): Written {
    return [this.#number, this.#count];
  }

  room(max: number): number {
    return max > 0 ? max - this.#count : Number.POSITIVE_INFINITY;
  }

  written([number, count]: Written): void {
    if (number === this.#number) this.#written = count;
  }

  add(): void {
    this.#count++;
  }

  /** Of a window that is over, nothing is had back. */
  giveBack(takenMs: number): void {
    if (Math.floor(takenMs / this.#lengthMs) === this.#number && this.#count > 0) this.#count--;
  }

  /** How long until the next one. */
  leftMs(nowMs: number): number {
    return Math.max(1, (this.#number + 1) * this.#lengthMs - nowMs);
  }
}

export class QuotaCount {
  perHourMax = 0;
  perDayMax = 0;
  readonly #hour = new Window(hourMs);
  readonly #day = new Window(dayMs);

  constructor(row?: QuotaRow) {
    if (row === undefined) return;
    this.#hour.begin(row[0]);
    this.#day.begin(row[1]);
  }

  get isNone(): boolean {
    return this.perHourMax === 0 && this.perDayMax === 0;
  }

  /** 0: it may hand in so many now. */
  waitMs(count: number, nowMs: number): number {
    const perDay = this.#day.count(nowMs) + count;
    const perHour = this.#hour.count(nowMs) + count;
    if (this.perDayMax > 0 && perDay > this.perDayMax) return this.#day.leftMs(nowMs);
    if (this.perHourMax > 0 && perHour > this.perHourMax) return this.#hour.leftMs(nowMs);
    return 0;
  }

  /** After `waitMs` of now: how many may be counted before more is written down. */
  get left(): number {
    return Math.min(this.#hour.left, this.#day.left);
  }

  /** After `add`: more should be written down by now. */
  get isShort(): boolean {
    const { left } = this;
    return left <= this.#block >>> 1 && left < this.#room;
  }

  add(): void {
    this.#hour.add();
    this.#day.add();
  }

  giveBack(takenMs: number): void {
    this.#hour.giveBack(takenMs);
    this.#day.giveBack(takenMs);
  }

  ahead(): QuotaRow {
    const block = this.#block;
    return [this.#hour.ahead(block, this.perHourMax), this.#day.ahead(block, this.perDayMax)];
  }

  /** What was counted and no more: when nothing is counted any longer. */
  get exact(): QuotaRow {
    return [this.#hour.exact, this.#day.exact];
  }

  written([hour, day]: QuotaRow): void {
    this.#hour.written(hour);
    this.#day.written(day);
  }

  /** How many both quotas still allow. */
  get #room(): number {
    return Math.min(this.#hour.room(this.perHourMax), this.#day.room(this.perDayMax));
  }

  get #block(): number {
    const quotas = [this.perHourMax, this.perDayMax].filter((max) => max > 0);
    return Math.max(1, Math.min(blockCountMax, Math.floor(Math.min(...quotas) * blockShare)));
  }
}
