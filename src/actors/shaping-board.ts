/**
 * The marks that hold in the whole process: what rules suspended or slowed, and what operators did by hand.
 *
 * Runs in:   main thread; pure (time by the clock given). Engine threads are told of every change.
 * Limits:    `marksMax` marks and `heldMax` paths that are held back; of marks past it those that end first go, rules'
 *            before operators'. What was learned of a path is kept over a restart for `learnedMsMax`.
 * Invariant: a mark ends at its time, whoever hears of it; one of the same id replaces the one before.
 */

import { RecentMap } from '../base/recent-map.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { HeldPath, Mark, MarksSnapshot, ShapingFindings } from './asks/shaping-asks.ts';

const marksMax = 10_000;
const heldMax = 20_000;
/** Findings of many paths at once are told together. */
const tellMs = 50;
const againMs = 1_000;
/** Learned limits change with each step of growth: they are kept together. */
const keepMs = 5 * secondMs;
/** What a path stood longer ago says little of what it stands now. */
export const learnedMsMax = 60 * minuteMs;
const operatorName = 'operator';

/** What the owner of a path learned, and when (epoch milliseconds). */
export type LearnedPath = readonly [...HeldPath, atMs: number];

export interface ShapingBoardOptions {
  readonly clock: Clock;
  /** Tells every thread. */
  readonly tell: (snapshot: MarksSnapshot) => Promise<void>;
  /** What is to be kept over a restart is another now. The first are the most important. */
  readonly keep: (marks: readonly Mark[]) => void;
  readonly keepLearned: (paths: readonly LearnedPath[]) => void;
}

export class ShapingBoard {
  readonly #options: ShapingBoardOptions;
  readonly #marks = new Map<string, Mark>();
  readonly #held = new RecentMap<string, LearnedPath>(heldMax);
  #news: HeldPath[] = [];
  #timer: Timer | undefined;
  #keepTimer: Timer | undefined;
  #isTelling = false;
  /** Something changed since the last telling began. */
  #isUntold = false;
  #isClosed = false;
  #nextId = 1;

  constructor(options: ShapingBoardOptions) {
    this.#options = options;
  }

  /** Those that hold now, the one that ends first first. */
  get marks(): readonly Mark[] {
    this.#expire();
    return [...this.#marks.values()].sort((a, b) => a.untilMs - b.untilMs);
  }

  /** For a thread that just started. */
  whole(): MarksSnapshot {
    const held = this.#held.values().map(([path, limit, at]): HeldPath => [path, limit, at]);
    return { marks: this.marks, held };
  }

  /** At the start: marks that a former process left, and what it learned of late. */
  restore(marks: readonly Mark[], learned: readonly LearnedPath[] = []): void {
    for (const row of learned) if (this.#isLate(row)) this.#held.set(row[0], row);
    for (const mark of marks) this.#put(mark);
    for (const { id } of marks) {
      const number = /^op-(\d+)$/.exec(id)?.[1];
      if (number !== undefined) this.#nextId = Math.max(this.#nextId, Number(number) + 1);
    }
  }

  /** An owner of paths found something. */
  note({ marks, held }: ShapingFindings): void {
    for (const mark of marks) this.#put(mark);
    const { clock } = this.#options;
    for (const row of held) {
      if (row[1] === 0) this.#held.delete(row[0]);
      else this.#held.set(row[0], [...row, clock.nowMs()]);
      this.#news.push(row);
    }
    if (held.length > 0 && !this.#isClosed) {
      this.#keepTimer ??= clock.setTimer(keepMs, () => this.#keepLearned());
    }
    this.#changed(marks.length > 0);
  }

  /** By an operator. */
  suspend(mark: Omit<Mark, 'id' | 'kind' | 'by' | 'path'>): Mark {
    const made: Mark = {
      ...mark,
      id: `op-${this.#nextId++}`,
      kind: 'suspend',
      path: '',
      by: operatorName,
    };
    this.#put(made);
    this.#changed(true);
    return made;
  }

  /** Ends marks before their time; answers which. */
  end(isMeant: (mark: Mark) => boolean): Mark[] {
    const ended = this.marks.filter(isMeant);
    for (const { id } of ended) this.#marks.delete(id);
    if (ended.length > 0) this.#changed(true);
    return ended;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    if (this.#keepTimer !== undefined) this.#keepLearned();
  }

  /** The newest first. */
  #keepLearned(): void {
    this.#keepTimer?.cancel();
    this.#keepTimer = undefined;
    const learned = this.#held.values().filter((row) => this.#isLate(row));
    this.#options.keepLearned(learned.sort((a, b) => b[3] - a[3]));
  }

  /** On either side of now: clocks are set. */
  #isLate([, , , atMs]: LearnedPath): boolean {
    return Math.abs(this.#options.clock.nowMs() - atMs) < learnedMsMax;
  }

  #put(mark: Mark): void {
    const before = this.#marks.get(mark.id);
    // Shorter news do not end a longer suspension.
    const untilMs = Math.max(mark.untilMs, before?.untilMs ?? 0);
    this.#marks.set(mark.id, { ...mark, untilMs });
    if (this.#marks.size <= marksMax) return;
    this.#expire();
    if (this.#marks.size > marksMax) this.#marks.delete(this.#leastOf().id);
  }

  /** However many sites refuse at once, what an operator said by hand is not lost for it. */
  #leastOf(): Mark {
    let [least] = this.#marks.values();
    for (const mark of this.#marks.values()) if (isBefore(mark, least!)) least = mark;
    return least!;
  }

  #expire(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [id, { untilMs }] of this.#marks) if (untilMs <= nowMs) this.#marks.delete(id);
  }

  #changed(areMarks: boolean): void {
    if (areMarks) this.#options.keep([...this.#marks.values()].sort(byWorth));
    this.#isUntold = true;
    if (!this.#isTelling) this.#tellIn(tellMs);
  }

  #tellIn(ms: number): void {
    this.#timer ??= this.#options.clock.setTimer(ms, () => void this.#tell());
  }

  async #tell(): Promise<void> {
    const held = this.#news;
    this.#news = [];
    this.#timer = undefined;
    this.#isUntold = false;
    this.#isTelling = true;
    try {
      await this.#options.tell({ marks: this.marks, held });
    } finally {
      this.#isTelling = false;
    }
    if (this.#isUntold && !this.#isClosed) this.#tellIn(againMs);
  }
}

function byWorth(mark: Mark, other: Mark): number {
  return isBefore(mark, other) ? 1 : -1;
}

function isBefore(mark: Mark, other: Mark): boolean {
  const isRules = mark.by !== operatorName;
  if (isRules !== (other.by !== operatorName)) return isRules;
  return mark.untilMs < other.untilMs;
}
