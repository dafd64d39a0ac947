/**
 * Sends each day's reports to other domains once the day is over, each at a time of its own, and again where it failed.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §4.1 (a random delay), §5.5 (retries for a day at most); for RFC 9990, which says less, the same.
 * Limits:    `sideBySideMax` reports under way; a report waits up to `spreadMs` after midnight and is tried for
 *            `triedMs`, with pauses from `retryMsMin` that double up to `retryMsMax`; then it is dropped, as is one of
 *            before `ageMsMax`.
 * Invariant: what a report is made of is removed only after it went everywhere, or was given up. A clock that goes back
 *            neither sends of a day before it is over, nor keeps a report waiting for longer than the pauses above.
 */

import type { Log } from '../base/log.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export interface DailyReportsParts {
  /** As `TLS`, in the log. */
  readonly kind: string;
  /** Days before one and their domains. */
  readonly names: (toMs: number) => readonly { readonly dayMs: number; readonly domain: string }[];
  /** Why it is to be tried again: nothing where it went everywhere, or nobody asks for it. */
  readonly report: (day: number, domain: string, stop: AbortSignal) => Promise<readonly string[]>;
  readonly remove: (day: number, domain: string) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Due {
  readonly dayMs: number;
  readonly domain: string;
  sinceMs: number;
  dueMs: number;
  tries: number;
}

export const spreadMs = 4 * hourMs;
const retryMsMin = 15 * minuteMs;
const retryMsMax = 4 * hourMs;
const waitMsMax = Math.max(spreadMs, retryMsMax);
export const triedMs = dayMs;
/** Threads tell what they counted before midnight a few seconds after it. */
export const settlingMs = minuteMs;
/** A report of an older day is dropped untried. */
const ageMsMax = 7 * dayMs;
const tickMs = minuteMs;
const sideBySideMax = 8;

export class DailyReports {
  readonly #parts: DailyReportsParts;
  readonly #due = new Map<string, Due>();
  readonly #stop = new AbortController();
  #plannedMs = 0;
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: DailyReportsParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log, kind } = this.#parts;
    this.#timer = clock.setTimer(tickMs, () => {
      this.#round = this.#send().catch((error: unknown) => {
        log.error({ error: String(error) }, `${kind} reports could not be sent`);
      });
      void this.#round.then(() => {
        if (!this.#stop.signal.aborted) this.start();
      });
    });
  }

  /** When the report of a day about a domain is tried next; undefined: its day is not over. */
  dueMs(day: number, domain: string): number | undefined {
    return this.#due.get(keyOf(day, domain))?.dueMs;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await this.#round;
  }

  async #send(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    this.#plan(nowMs);
    const due = [...this.#due.values()].filter((each) => each.dueMs <= nowMs);
    const worker = async () => {
      for (let each = due.pop(); each !== undefined; each = due.pop()) {
        if (this.#stop.signal.aborted) return;
        await this.#try(each);
      }
    };
    await Promise.all(Array.from({ length: sideBySideMax }, worker));
  }

  /** Days that ended since it looked last. */
  #plan(nowMs: number): void {
    const today = Math.floor((nowMs - settlingMs) / dayMs) * dayMs;
    this.#replan(today, nowMs);
    if (today === this.#plannedMs) return;
    this.#plannedMs = today;
    const { names, random, remove } = this.#parts;
    for (const { dayMs: day, domain } of names(today)) {
      const key = keyOf(day, domain);
      if (this.#due.has(key)) continue;
      // Whatever restarts came between: nobody waits for it any more.
      if (day < today - ageMsMax) {
        void remove(day, domain).catch(() => {});
        continue;
      }
      const dueMs = nowMs + Math.floor(random.fraction() * spreadMs);
      this.#due.set(key, { dayMs: day, domain, sinceMs: dueMs, dueMs, tries: 0 });
    }
  }

  /** After the clock went back: a day that is not over any more is planned anew, and no other waits for what was. */
  #replan(today: number, nowMs: number): void {
    for (const [key, due] of this.#due) {
      if (due.dayMs >= today) this.#due.delete(key);
      else if (due.dueMs > nowMs + waitMsMax) {
        due.dueMs = nowMs;
        due.sinceMs = Math.min(due.sinceMs, nowMs);
      }
    }
  }

  async #try(due: Due): Promise<void> {
    const { report, remove, clock, log, kind } = this.#parts;
    const { domain, dayMs: day } = due;
    const faults = await report(day, domain, this.#stop.signal).catch((error) => [String(error)]);
    if (this.#stop.signal.aborted && faults.length > 0) return;
    const pauseMs = Math.min(retryMsMin * 2 ** Math.min(due.tries++, 10), retryMsMax);
    due.dueMs = clock.nowMs() + pauseMs;
    const isOver = due.dueMs > due.sinceMs + triedMs;
    if (faults.length > 0) {
      log.warn({ domain, faults, isOver }, `a ${kind} report could not be delivered`);
      if (!isOver) return;
    }
    try {
      await remove(day, domain);
      this.#due.delete(keyOf(day, domain));
    } catch (error) {
      log.error({ domain, error: String(error) }, `a ${kind} report that went cannot be noted`);
    }
  }
}

function keyOf(day: number, domain: string): string {
  return `${day} ${domain}`;
}
