/**
 * Disturbs the server while a run lasts: sends its processes signals at the seconds a scenario says.
 *
 * Runs in:   load generator, main thread.
 * Limits:    `stepsCountMax` steps, of the scenario.
 * Invariant: what was stopped goes on at the end of the run, however it ends; each step stands in the report with its
 *            second, also one that found no process.
 */

import type { Clock, Timer } from '../../ports/clock.ts';
import type { MarkReport } from '../measure/run-report.ts';
import { processIds } from '../observe/process-ids.ts';
import { processTree } from '../observe.ts';

export const stepsCountMax = 100;
export const signals = ['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGCONT', 'SIGHUP', 'SIGUSR1'] as const;

/** Plain data. */
export interface TroubleStep {
  readonly atMs: number;
  readonly signal: (typeof signals)[number];
  /** As `processIds` reads it. SIGKILL, SIGSTOP and SIGCONT reach all that descends from them as well. */
  readonly processes: string;
}

const treeSignals: readonly string[] = ['SIGKILL', 'SIGSTOP', 'SIGCONT'];

export class TroubleRun {
  readonly #steps: readonly TroubleStep[];
  readonly #clock: Clock;
  readonly #timers: Timer[] = [];
  readonly #marks: MarkReport[] = [];
  readonly #stopped = new Set<number>();
  #beganMs = 0;

  constructor(steps: readonly TroubleStep[], clock: Clock) {
    this.#steps = steps;
    this.#clock = clock;
  }

  start(): void {
    this.#beganMs = this.#clock.monotonicMs();
    for (const step of this.#steps) {
      this.#timers.push(this.#clock.setTimer(step.atMs, () => this.#act(step)));
    }
  }

  /** Steps whose second has not come are left out; answers those that were. */
  stop(): readonly MarkReport[] {
    for (const timer of this.#timers) timer.cancel();
    for (const pid of this.#stopped) signalTo(pid, 'SIGCONT');
    this.#stopped.clear();
    return this.#marks;
  }

  #act({ signal, processes }: TroubleStep): void {
    const roots = processIds(processes);
    const pids = treeSignals.includes(signal) ? roots.flatMap(processTree) : roots;
    const reached = pids.filter((pid) => pid !== process.pid && signalTo(pid, signal));
    for (const pid of reached) {
      if (signal === 'SIGSTOP') this.#stopped.add(pid);
      if (signal === 'SIGCONT') this.#stopped.delete(pid);
    }
    const second = Math.round(this.#clock.monotonicMs() - this.#beganMs) / 1_000;
    const isDone = reached.length > 0;
    const text = `${signal} to ${processes}${isDone ? '' : ': nothing runs there'}`;
    this.#marks.push({ second, text, isDone });
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // It ended meanwhile, or is another user's.
    return false;
  }
}
