/**
 * Keeps a shard's journal short: frees segments in which nothing lives, and writes the checkpoints
 * that allow it.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    looks once in `upkeepMs`; one checkpoint at a time.
 * Invariant: a segment goes only when nothing in it is live, leased or held, and a checkpoint that
 *            was synced and read back covers all its records.
 */

import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { mebibyte } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { DiskError } from '../../ports/disk.ts';
import type { Bodies } from './bodies.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Journal } from './journal/journal.ts';
import type { Segment } from './journal/segments.ts';
import type { StoreLimits } from './limits.ts';

/** So many short segments (every open leaves one) are worth a small checkpoint. */
const emptyCountMax = 8;
const smallCheckpointBytes = mebibyte;
/** A segment is compacted when less of it than this share lives. */
const liveShareMax = 0.3;
/** One that loses more than this share of its bodies from one look to the next is empty soon without a copy of any. */
const dyingShareMin = 0.01;

export interface UpkeepOptions {
  readonly journal: Journal;
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: StoreLimits;
  /** Sequence up to which the index has committed. */
  readonly appliedSequence: () => number;
  /** Copies what lives in a segment to the end of the journal; false when it cannot. */
  readonly compact: (segment: Segment) => Promise<boolean>;
  /** Gives the index what there is now, without its usual delay; whether it took it, `appliedSequence` tells. */
  readonly commitIndex: () => Promise<void>;
  /** Writes one, and answers it once it may be relied on. */
  readonly writeCheckpoint: () => Promise<Checkpoint | undefined>;
}

/** What one look let go. */
export interface Freed {
  readonly segmentsRemoved: number;
  readonly bytesFreed: number;
}

/** What a reader that comes later needs: records alone, or bodies in files of their own, too. */
export type HeldPart = 'records' | 'bodies';

export interface Hold {
  advance(from: number): void;
  release(): void;
}

/** For what upkeep does a second later. */
export function laterIfDisk(error: unknown): void {
  if (!(error instanceof DiskError)) throw error;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #holds = new Set<{ from: number; readonly keeps: HeldPart }>();
  /** Segments that could not be compacted, with the live bodies they had then. */
  readonly #unmovable = new Map<number, number>();
  /** Segments that could be compacted, with the live bodies they had at the last look. */
  #looked = new Map<number, number>();
  /** Compacted segments, with the sequence their bodies' new places reach up to. */
  readonly #moved = new Map<number, number>();
  #checkpoint: Checkpoint | undefined;
  #running: Promise<Freed> | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  start(checkpoint: Checkpoint | undefined): void {
    this.#checkpoint = checkpoint;
    this.#schedule();
  }

  /** Keeps records from `from` on, for a reader with a cursor, a backup, a legal hold. */
  hold(from: number, keeps: HeldPart): Hold {
    const held = { from, keeps };
    this.#holds.add(held);
    return {
      advance(next) {
        held.from = Math.max(held.from, next);
      },
      release: () => {
        this.#holds.delete(held);
      },
    };
  }

  /** One look now: a checkpoint if it is worth it or asked for, then all that may go goes. */
  async run(isForced = false): Promise<Freed> {
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#upkeep(isForced).finally(() => {
      this.#running = undefined;
    });
    return await this.#running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running?.catch(() => {});
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const { clock, limits, log } = this.#options;
    this.#timer = clock.setTimer(limits.upkeepMs, () => {
      this.run()
        .catch((error: unknown) => {
          if (!(error instanceof DiskError) && !(error instanceof MailError)) throw error;
          log.warn({ detail: error.message }, 'upkeep of the journal failed and is tried again');
        })
        .finally(() => this.#schedule());
    });
  }

  async #upkeep(isForced: boolean): Promise<Freed> {
    const { writeCheckpoint, log, journal, bodies } = this.#options;
    // One a look: its copies are mail's equals at the disk, and the next look sees what came of it.
    const sparse = this.#sparse(isForced);
    for (const segment of isForced ? sparse : this.#steady(sparse).slice(0, 1)) {
      await this.#compact(segment);
    }
    if (isForced || this.#isWorthwhile()) {
      this.#checkpoint = (await writeCheckpoint()) ?? this.#checkpoint;
      log.debug({ ...this.#checkpoint }, 'checkpoint');
    }
    // Copies count once the index names them: who asked would else come too early by an index commit.
    if (isForced) await this.#options.commitIndex();
    let segmentsRemoved = 0;
    let bytesFreed = 0;
    for (const segment of this.#empty()) {
      // Asked again for each: a lease may have come while the one before was being removed.
      const mayGo = this.#isCovered(segment) && bodies.isEmpty(segment) && this.#isIndexed(segment);
      if (!mayGo || this.#isClosed) continue;
      await journal.recycle(segment.number);
      this.#moved.delete(segment.number);
      this.#unmovable.delete(segment.number);
      segmentsRemoved++;
      bytesFreed += segment.fileBytes;
    }
    bytesFreed += await this.removeSides();
    return { segmentsRemoved, bytesFreed };
  }

  /** Files of large bodies that died. They wait for no checkpoint: only records lead to them. */
  async removeSides(): Promise<number> {
    const { journal, bodies } = this.#options;
    if (!journal.isOpen || !bodies.isAllCounted || this.#isClosed) return 0;
    return await journal.segments.sides.removeDead(this.#heldFrom('bodies'));
  }

  #heldFrom(part: HeldPart): number {
    let held = Number.POSITIVE_INFINITY;
    for (const { from, keeps } of this.#holds) {
      if (part === 'records' || keeps === 'bodies') held = Math.min(held, from);
    }
    return held;
  }

  async #compact(segment: Segment): Promise<void> {
    const { compact, log } = this.#options;
    const { liveBodies } = segment;
    const isMoved = await compact(segment);
    // What is left has no row yet, or cannot be moved: not looked at before some of it died.
    this.#unmovable.set(segment.number, segment.liveBodies);
    if (isMoved) {
      this.#moved.set(segment.number, this.#options.journal.lastSequence);
      log.info({ segment: segment.number, liveBodies }, 'segment compacted');
    }
  }

  /** Segments of which little lives, oldest first. */
  #sparse(isForced: boolean): Segment[] {
    const { journal, bodies, limits } = this.#options;
    if (!journal.isOpen) return [];
    return journal.segments.all().filter((segment) => {
      if (segment.number === journal.position.segment || segment.liveBodies === 0) return false;
      if (this.#unmovable.get(segment.number) === segment.liveBodies) return false;
      if (!bodies.isCounted(segment)) return false;
      const bytes = segment.end ?? segment.fileBytes;
      // Short segments are left alone unless asked for: what they take is not worth the copies.
      const isShort = !isForced && bytes <= limits.segmentBytesMax / 4;
      return !isShort && segment.liveBytes < bytes * liveShareMax;
    });
  }

  /** Of these, the ones whose bodies stay: of a queue that drains each would be copied, and be gone a moment later. */
  #steady(sparse: readonly Segment[]): Segment[] {
    const before = this.#looked;
    this.#looked = new Map(sparse.map(({ number, liveBodies }) => [number, liveBodies]));
    return sparse.filter(({ number, liveBodies }) => {
      const then = before.get(number);
      return then !== undefined && then - liveBodies <= then * dyingShareMin;
    });
  }

  /** Whether a checkpoint would free more than it takes. */
  #isWorthwhile(): boolean {
    const { limits, journal } = this.#options;
    if (!journal.isOpen) return false;
    const uncovered = this.#empty().filter((segment) => !this.#isCovered(segment));
    const bytes = uncovered.reduce((sum, segment) => sum + segment.fileBytes, 0);
    const cost = this.#checkpoint?.bytes ?? 0;
    if (uncovered.length >= emptyCountMax && cost <= smallCheckpointBytes) return true;
    return bytes >= Math.max(limits.segmentBytesMax, 2 * cost);
  }

  /** The index names the new places of what compaction copied out of the segment. */
  #isIndexed(segment: Segment): boolean {
    return this.#options.appliedSequence() >= (this.#moved.get(segment.number) ?? 0);
  }

  #isCovered(segment: Segment): boolean {
    return this.#checkpoint !== undefined && segment.lastSequence <= this.#checkpoint.covers;
  }

  #empty(): Segment[] {
    const { journal, bodies } = this.#options;
    const held = this.#heldFrom('records');
    const tail = journal.position.segment;
    return journal.segments
      .all()
      .filter((segment) => segment.number !== tail && segment.lastSequence < held)
      .filter((segment) => bodies.isEmpty(segment));
  }
}
