/**
 * What new sources may still send to each provider today, borrowed from the main thread in blocks.
 *
 * Runs in:   engine threads; one per thread. The plan's count is the main thread's (`app/source-book.ts`).
 * Limits:    `pairsMax` pairs of source and provider, past which all others of a source share one; `waitingMax` messages
 *            wait for the answer to one.
 * Invariant: a message is counted before it is sent, out of a block that was written down before it was lent: the plan
 *            of a day is never exceeded, and a kill leaves unsent what its blocks had left.
 */

import type { AllowanceMeta, AllowanceValue } from '../../../actors/asks/source-asks.ts';
import { dayMs, secondMs } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Counted } from '../transaction.ts';

export const pairsMax = 20_000;
export const waitingMax = 1_000;
/** A block not used for so long is given back: another thread may want it. */
const idleMs = 5 * secondMs;
/** Told that nothing is left, others' give-backs are asked for no more often. */
const againMs = 10 * secondMs;
const othersName = '(others)';

export interface AllowancesOptions {
  readonly clock: Clock;
  /** Undefined: no answer. */
  readonly ask: (meta: AllowanceMeta) => Promise<AllowanceValue | undefined>;
  /** Those that were sent away may come again. True: there are more of them. */
  readonly onRoom: (name: string, count: number) => boolean;
}

/** Of one source and provider, in this thread. */
export class Allowance {
  readonly source: string;
  readonly provider: string;
  readonly #options: AllowancesOptions;
  readonly #waiting: (() => void)[] = [];
  #day = 0;
  #left = 0;
  /** On the monotonic clock: until when nothing is left. */
  #noneUntilMs = 0;
  #usedMs = 0;
  #counted: Counted | undefined;
  #isAsking = false;
  /** Somebody was sent away. */
  #isCrowded = false;

  constructor(source: string, provider: string, options: AllowancesOptions) {
    this.source = source;
    this.provider = provider;
    this.#options = options;
  }

  /** Nothing is left of the day, as far as is known. */
  get isNone(): boolean {
    this.#turnDay();
    return this.#left === 0 && this.#noneUntilMs > this.#options.clock.monotonicMs();
  }

  get isIdle(): boolean {
    return this.#left === 0 && !this.#isAsking && this.#noneUntilMs === 0;
  }

  /** One message of it; false: it has to be asked for (`wait`). */
  take(): boolean {
    this.#turnDay();
    if (this.#left === 0) return false;
    this.#left--;
    this.#usedMs = this.#options.clock.monotonicMs();
    if (this.#left === 0) void this.#ask(0, true);
    return true;
  }

  /** A message that was not sent after all. */
  giveBack(): void {
    // Of a day that is over, nothing comes back.
    if (dayOf(this.#options.clock) === this.#day) this.#left++;
  }

  /** What was taken today: given back after midnight, it must not come on top of the next day's plan. */
  get counted(): Counted {
    const day = this.#day;
    this.#counted ??= {
      giveBack: () => {
        if (day === this.#day) this.giveBack();
      },
    };
    return this.#counted;
  }

  /** What those wait for that were sent away: `onRoom` says it. */
  get name(): string {
    return keyOf(this.source, this.provider);
  }

  /** Calls back once it is known whether anything is left; false: too many wait. */
  wait(known: () => void): boolean {
    this.#isCrowded = this.#waiting.length >= waitingMax;
    if (this.#isCrowded) return false;
    this.#waiting.push(known);
    void this.#ask(0, true);
    return true;
  }

  /** To be called now and then. */
  onTick(): void {
    this.#turnDay();
    if (this.#left === 0) return;
    if (this.#options.clock.monotonicMs() - this.#usedMs < idleMs) return;
    const back = this.#left;
    this.#left = 0;
    void this.#ask(back, false);
  }

  async #ask(back: number, wants: boolean): Promise<void> {
    if (wants && this.#isAsking) return;
    if (wants) this.#isAsking = true;
    const { clock, ask } = this.#options;
    const answer = await ask([this.source, this.provider, this.#day, back, wants]);
    if (!wants) return;
    this.#isAsking = false;
    const [count, day] = answer ?? [0, this.#day];
    if (count > 0 && day === dayOf(clock)) {
      this.#day = day;
      this.#left += count;
      this.#usedMs = clock.monotonicMs();
      this.#noneUntilMs = 0;
    } else if (this.#left === 0) {
      this.#noneUntilMs = clock.monotonicMs() + againMs;
    }
    for (const known of this.#waiting.splice(0)) known();
    if (!this.#isCrowded) return;
    this.#isCrowded = this.#options.onRoom(this.name, waitingMax);
  }

  #turnDay(): void {
    const day = dayOf(this.#options.clock);
    if (day === this.#day) return;
    this.#day = day;
    this.#counted = undefined;
    this.#left = 0;
    this.#noneUntilMs = 0;
  }
}

export class Allowances {
  readonly #options: AllowancesOptions;
  readonly #pairs = new Map<string, Allowance>();

  constructor(options: AllowancesOptions) {
    this.#options = options;
  }

  of(source: string, provider: string): Allowance {
    const known = this.#pairs.get(keyOf(source, provider));
    if (known !== undefined) return known;
    // Fewer may be sent then than the plan says, never more.
    const name = this.#pairs.size < pairsMax ? provider : othersName;
    const key = keyOf(source, name);
    let allowance = this.#pairs.get(key);
    if (allowance === undefined) {
      allowance = new Allowance(source, name, this.#options);
      this.#pairs.set(key, allowance);
    }
    return allowance;
  }

  onTick(): void {
    for (const [key, allowance] of this.#pairs) {
      allowance.onTick();
      if (allowance.isIdle) this.#pairs.delete(key);
    }
  }
}

/** Days since 1970, UTC. */
export function dayOf(clock: Pick<Clock, 'nowMs'>): number {
  return Math.floor(clock.nowMs() / dayMs);
}

function keyOf(source: string, provider: string): string {
  return `${source} ${provider}`;
}
