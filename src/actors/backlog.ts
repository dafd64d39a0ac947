/**
 * The asks of one shard that wait for a parcel, and what of it is under way.
 *
 * Runs in:   main thread.
 * Limits:    `countMax` asks and `bytesMax` bytes wait, or one ask of any size; past that, `add` answers false at once.
 * Invariant: asks of one lane leave in the order they came; the system lane passes the others.
 */

import type { Failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Ask } from './ask.ts';
import { type Entry, isLate, type OpenParcel } from './entry.ts';

export interface BacklogLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** A parcel leaves when it has so many bytes, though another is under way. */
  readonly parcelBytesMax: number;
  /** Long asks a shard works at, and one actor's share of them. */
  readonly longCountMax: number;
  readonly longPerActorMax: number;
}

export class Backlog {
  readonly shard: ShardId;
  /** True while the shard is closed, moved or has no thread: asks wait here. */
  isHeld = false;
  /** The answer to every ask while the shard cannot be opened. */
  refusal: Failure | undefined;
  /** Parcels whose task has not come back, oldest first. */
  inFlight: OpenParcel[] = [];
  /** Asks that left and have no answer from their thread: in flight, pending, or to be tried again. */
  openCount = 0;
  /** Called when `openCount` becomes 0. */
  onDrained: (() => void) | undefined;
  bytes = 0;
  /** Already on the list of what to flush at the end of this turn. */
  isDue = false;
  readonly #limits: BacklogLimits;
  #system: Entry[] = [];
  #normal: Entry[] = [];
  #long: Entry[] = [];
  #longUnderWay = new Map<string, number>();
  #longCount = 0;

  constructor(shard: ShardId, limits: BacklogLimits) {
    this.shard = shard;
    this.#limits = limits;
  }

  get count(): number {
    return this.#system.length + this.#normal.length + this.#long.length;
  }

  /** False when full: nothing was taken. The system lane has room of its own: what others fill never blocks it. */
  add(entry: Entry): boolean {
    const { ask } = entry;
    if (ask.lane === 'system') {
      if (this.#system.length >= this.#limits.countMax) return false;
      this.#system.push(entry);
    } else if (this.count - this.#system.length >= this.#limits.countMax) return false;
    // One ask alone always fits: a message larger than the room could else never pass.
    else if (this.bytes > 0 && this.bytes + entry.bytes > this.#limits.bytesMax) return false;
    else if (ask.class === 'long') this.#long.push(entry);
    else this.#normal.push(entry);
    this.bytes += entry.bytes;
    return true;
  }

  get mayLeave(): boolean {
    if (this.isHeld) return false;
    if (this.inFlight.length === 0) return this.count > this.#long.length || this.#hasLongTurn();
    if (this.inFlight.length > 1) return false;
    return this.#system.length > 0 || this.bytes >= this.#limits.parcelBytesMax;
  }

  /** The asks of the next parcel, oldest first; those past their deadline are handed to `drop`. */
  take(nowMs: number, countMax: number, drop: (entry: Entry) => void): Entry[] {
    const taken: Entry[] = [];
    const bytes = this.#move(this.#system, taken, nowMs, countMax, 0, drop);
    this.#move(this.#normal, taken, nowMs, countMax, bytes, drop);
    if (this.#long.length > 0) this.#takeLong(taken, nowMs, countMax, drop);
    this.openCount += taken.length;
    return taken;
  }

  /** Hands what is past its deadline to `drop`. */
  expire(nowMs: number, drop: (entry: Entry) => void): void {
    this.#system = this.#keep(this.#system, nowMs, drop);
    this.#normal = this.#keep(this.#normal, nowMs, drop);
    this.#long = this.#keep(this.#long, nowMs, drop);
  }

  /** All that waits, for a shard that cannot be opened. */
  clear(drop: (entry: Entry) => void): void {
    for (const entry of [...this.#system, ...this.#normal, ...this.#long]) drop(entry);
    this.#system = [];
    this.#normal = [];
    this.#long = [];
    this.bytes = 0;
  }

  /** A parcel's task came back, or its thread is gone. */
  land(parcel: OpenParcel): void {
    this.inFlight = this.inFlight.filter((other) => other !== parcel);
  }

  /** An ask that was taken has its thread's answer. */
  end(ask: Ask): void {
    this.openCount--;
    if (ask.class === 'long' && ask.lane === 'normal') this.#endLong(ask.actor);
    if (this.openCount === 0) this.onDrained?.();
  }

  #endLong(actor: string): void {
    this.#longCount--;
    const count = this.#longUnderWay.get(actor)! - 1;
    if (count === 0) this.#longUnderWay.delete(actor);
    else this.#longUnderWay.set(actor, count);
  }

  #move(
    lane: Entry[],
    taken: Entry[],
    nowMs: number,
    countMax: number,
    bytesBefore: number,
    drop: (entry: Entry) => void,
  ): number {
    let bytes = bytesBefore;
    let index = 0;
    for (; index < lane.length && taken.length < countMax; index++) {
      const entry = lane[index]!;
      if (taken.length > 0 && bytes + entry.bytes > this.#limits.parcelBytesMax) break;
      this.bytes -= entry.bytes;
      if (isLate(entry, nowMs)) {
        drop(entry);
        continue;
      }
      bytes += entry.bytes;
      taken.push(entry);
    }
    if (index === lane.length) lane.length = 0;
    else lane.splice(0, index);
    return bytes;
  }

  #hasLongTurn(): boolean {
    return this.#longCount < this.#limits.longCountMax && this.#long.some((e) => this.#isTurn(e));
  }

  #isTurn(entry: Entry): boolean {
    return (this.#longUnderWay.get(entry.ask.actor) ?? 0) < this.#limits.longPerActorMax;
  }

  #takeLong(taken: Entry[], nowMs: number, countMax: number, drop: (entry: Entry) => void): void {
    const kept: Entry[] = [];
    for (const entry of this.#long) {
      const { actor } = entry.ask;
      if (isLate(entry, nowMs)) {
        this.bytes -= entry.bytes;
        drop(entry);
      } else if (
        taken.length < countMax &&
        this.#longCount < this.#limits.longCountMax &&
        this.#isTurn(entry)
      ) {
        this.bytes -= entry.bytes;
        this.#longCount++;
        this.#longUnderWay.set(actor, (this.#longUnderWay.get(actor) ?? 0) + 1);
        taken.push(entry);
      } else {
        kept.push(entry);
      }
    }
    this.#long = kept;
  }

  #keep(lane: Entry[], nowMs: number, drop: (entry: Entry) => void): Entry[] {
    if (!lane.some((entry) => isLate(entry, nowMs))) return lane;
    return lane.filter((entry) => {
      if (!isLate(entry, nowMs)) return true;
      this.bytes -= entry.bytes;
      drop(entry);
      return false;
    });
  }
}
