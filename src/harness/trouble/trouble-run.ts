/**
 * Disturbs the server while a run lasts, step by step, at the seconds a scenario says.
 *
 * Runs in:   load generator, main thread.
 * Limits:    `stepsCountMax` steps, of the scenario.
 * Invariant: what was done is taken back when its time is over, or at the end of the run, however it ends; each step
 *            stands in the report with its second, also one that could not be done.
 */

import type { Clock, Timer } from '../../ports/clock.ts';
import type { MarkReport } from '../measure/run-report.ts';
import type { Between } from './between.ts';
import { checkFill, DiskFill } from './disk-fill.ts';
import type { Outcome } from './outcome.ts';
import { ProcessSignals } from './process-signals.ts';
import { describeStep } from './step-text.ts';
import type { TroubleKind, TroubleStep } from './trouble-plan.ts';

type Mark = { -readonly [K in keyof MarkReport]: MarkReport[K] };

/** A step that was begun, until it is over. */
interface Begun {
  readonly mark: Mark;
  readonly outcome: Promise<Outcome>;
  readonly fill: DiskFill | undefined;
  end: Promise<void> | undefined;
}

export class TroubleRun {
  readonly #steps: readonly TroubleStep[];
  readonly #between: Pick<Between, 'apply'>;
  readonly #clock: Clock;
  readonly #signals = new ProcessSignals();
  readonly #timers: Timer[] = [];
  readonly #begun: Begun[] = [];
  #beganMs = 0;

  constructor(steps: readonly TroubleStep[], between: Pick<Between, 'apply'>, clock: Clock) {
    this.#steps = steps;
    this.#between = between;
    this.#clock = clock;
  }

  /** @throws a sentence where a step must not be done */
  check(): void {
    for (const { what } of this.#steps) if (what.kind === 'fill') checkFill(what);
  }

  start(): void {
    this.#beganMs = this.#clock.monotonicMs();
    for (const step of this.#steps) {
      this.#timers.push(this.#clock.setTimer(step.atMs, () => this.#begin(step)));
    }
  }

  /** Takes back what is in force; steps whose second has not come are left out. Answers those that were. */
  async stop(): Promise<readonly MarkReport[]> {
    for (const timer of this.#timers) timer.cancel();
    await Promise.all(this.#begun.map((each) => this.#end(each)));
    return this.#begun.map(({ mark }) => mark);
  }

  #begin({ what, forMs }: TroubleStep): void {
    const mark: Mark = { second: this.#second(), text: describeStep(what), isDone: true };
    let fill: DiskFill | undefined;
    let acting: Outcome | Promise<Outcome>;
    if (what.kind === 'fill') {
      fill = new DiskFill(what);
      acting = fill.fill();
    } else {
      acting = this.#act(what);
    }
    const outcome = Promise.resolve(acting).then((told) => {
      mark.isDone = told.isDone;
      if (told.detail !== undefined) mark.text += `: ${told.detail}`;
      return told;
    });
    const begun: Begun = { mark, outcome, fill, end: undefined };
    this.#begun.push(begun);
    if (forMs === undefined) return;
    this.#timers.push(this.#clock.setTimer(forMs, () => void this.#end(begun)));
  }

  #act(what: Exclude<TroubleKind, { kind: 'fill' }>): Outcome {
    return what.kind === 'signal' ? this.#signals.send(what) : this.#between.apply(what);
  }

  #end(begun: Begun): Promise<void> {
    begun.end ??= this.#takeBack(begun);
    return begun.end;
  }

  async #takeBack({ mark, outcome, fill }: Begun): Promise<void> {
    fill?.end();
    const { isDone, undo } = await outcome;
    if (undo === undefined) return;
    await undo();
    if (isDone) mark.endSecond = this.#second();
  }

  #second(): number {
    return Math.round(this.#clock.monotonicMs() - this.#beganMs) / 1_000;
  }
}
