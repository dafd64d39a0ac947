/**
 * Which bodies of a shard are live, and where: what pins a segment.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    live bodies are known one by one only at the end of the journal, where they may be
 *            copied; and, by their sequences, while records are replayed. Others run after each `countedPerTurn`.
 * Invariant: a body is counted once in the segment that holds it now, until it is released. Bodies
 *            nobody counted (a kind without `livePlaces`) keep their segments for ever.
 */

import type { Journal } from './journal/journal.ts';
import { isFree, type Segment } from './journal/segments.ts';
import type { RecordKind, RecordPlace, ShardReader } from './record.ts';

const recentCountLeast = 4_096;
const countedPerTurn = 1_024;

export class Bodies {
  readonly #journal: Journal;
  /** Bodies whose record was copied after their place was given out. */
  readonly #relocated = new Map<number, RecordPlace>();
  /** Live ones in what the next copy of the journal's end would take, and some from before. */
  readonly #recent = new Map<number, RecordPlace>();
  #recentCountMax = recentCountLeast;
  /**
   * First sequence of the replayed part: older bodies are counted from the index after the replay.
   */
  #countFrom = 0;
  /**
   * What the replay pinned and did not release, until older bodies are counted. Rows may be ahead
   * of the replayed record (of one that moved a body twice, say): they cannot tell what is pinned.
   */
  #replayed: Set<number> | undefined = new Set();
  #uncountedBefore = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Where the body stands now: holders of an old place are led to its copy. */
  placeNow(place: RecordPlace): RecordPlace {
    // A moved body has its copy's sequence from then on, and that copy may have been copied itself.
    for (let now = place; ; ) {
      const next = this.#relocated.get(now.sequence);
      if (next === undefined || next === now) return now;
      now = next;
    }
  }

  pin(place: RecordPlace): void {
    if (place.bodyBytes > 0 && !this.#isCountedLater(place)) this.#pin(place);
  }

  release(place: RecordPlace): void {
    if (place.bodyBytes === 0) return;
    const now = this.placeNow(place);
    const isKnown = now.sequence >= this.#uncountedBefore && !this.#isCountedLater(now);
    if (isKnown && this.#replayed?.delete(now.sequence) !== false) {
      this.#journal.segments.release(now);
    }
    this.#relocated.delete(place.sequence);
    this.#relocated.delete(now.sequence);
    this.#recent.delete(now.sequence);
  }

  /**
   * The body's record was copied to `to` with the end of the journal: the pin goes with it, if it
   * lives.
   */
  relocate(from: RecordPlace, to: RecordPlace): void {
    const now = this.#recent.get(from.sequence);
    // A body in a side segment stays where it is when its record is copied.
    if (now === undefined || now.segment === to.segment) return;
    this.#pin(to);
    this.#journal.segments.release(now);
    this.#relocated.set(from.sequence, to);
  }

  /**
   * Compaction copied the body: as `relocate`, and at open the old place may be one that is not
   * counted.
   */
  move(from: RecordPlace, to: RecordPlace): void {
    if (from.bodyBytes === 0) return;
    this.release(from);
    this.pin(to);
    this.#relocated.set(from.sequence, to);
  }

  /** At open: the replay pinned the body and has not released it. */
  isReplayed(place: RecordPlace): boolean {
    return this.#replayed?.has(this.placeNow(place).sequence) === true;
  }

  /** Before a replay that starts with this sequence. */
  countFrom(sequence: number): void {
    this.#countFrom = sequence;
  }

  /** After the replay: bodies from before it. Answers those whose segment is gone. */
  async countOlder(
    kinds: Iterable<RecordKind>,
    read: ShardReader,
    isPartly = false,
  ): Promise<RecordPlace[]> {
    // Rows of some accounts cannot be read now: what they name is not known.
    if (isPartly) this.#uncountedBefore = this.#countFrom;
    const lost: RecordPlace[] = [];
    let count = 0;
    for (const kind of kinds) {
      if (kind.pinsBody !== true) continue;
      if (kind.livePlaces === undefined) this.#uncountedBefore = this.#countFrom;
      for (const place of kind.livePlaces?.(read) ?? []) {
        if (++count % countedPerTurn === 0) await new Promise(setImmediate);
        if (place.sequence >= this.#countFrom || place.bodyBytes === 0) continue;
        if (!this.#journal.segments.has(place)) lost.push(place);
        else this.#pinOlder(place);
      }
    }
    this.#replayed = undefined;
    return lost;
  }

  /** Whether all live bodies of the shard are known. */
  get isAllCounted(): boolean {
    return this.#uncountedBefore === 0;
  }

  /** Nothing in the segment is live or read, as far as can be known. */
  isEmpty(segment: Segment): boolean {
    return isFree(segment) && this.isCounted(segment);
  }

  /** Whether all live bodies of the segment are known. */
  isCounted(segment: Segment): boolean {
    return segment.header.firstSequence >= this.#uncountedBefore;
  }

  /** At open, what is older than the replayed part is counted after it, from the rows it led to. */
  #isCountedLater(place: RecordPlace): boolean {
    return this.#replayed !== undefined && place.sequence < this.#countFrom;
  }

  /** There may be millions: what would be forgotten at the next look through `#recent` is not remembered at all. */
  #pinOlder(place: RecordPlace): void {
    this.#journal.segments.pin(place);
    // All of them are suspect still: the segment that this opening copied the journal's end to is the newest.
    if (this.#journal.isAtEnd(place)) this.#recent.set(place.sequence, place);
  }

  #pin(place: RecordPlace): void {
    this.#journal.segments.pin(place);
    this.#recent.set(place.sequence, place);
    this.#replayed?.add(place.sequence);
    if (this.#recent.size <= this.#recentCountMax) return;
    for (const [sequence, other] of this.#recent) {
      if (!this.#journal.isSuspect(other)) this.#recent.delete(sequence);
    }
    // Doubled, so that a large last parcel is not looked through for every pin.
    this.#recentCountMax = Math.max(recentCountLeast, 2 * this.#recent.size);
  }
}
