/**
 * Signals to the server's processes, by id: killed, stopped, continued, or told something.
 *
 * Runs in:   load generator, main thread.
 * Invariant: what was stopped goes on when its time is over, or the run is.
 */

import { processIds } from '../observe/process-ids.ts';
import { processTree } from '../observe.ts';
import { failed, type Outcome } from './outcome.ts';
import type { SignalPlan } from './trouble-plan.ts';

const treeSignals: readonly string[] = ['SIGKILL', 'SIGSTOP', 'SIGCONT'];

export class ProcessSignals {
  readonly #stopped = new Set<number>();

  send({ signal, processes }: SignalPlan): Outcome {
    const roots = processIds(processes);
    const pids = treeSignals.includes(signal) ? roots.flatMap(processTree) : roots;
    const reached = pids.filter((pid) => pid !== process.pid && signalTo(pid, signal));
    if (reached.length === 0) return failed('nothing runs there');
    if (signal === 'SIGCONT') for (const pid of reached) this.#stopped.delete(pid);
    if (signal !== 'SIGSTOP') return { isDone: true };
    for (const pid of reached) this.#stopped.add(pid);
    return { isDone: true, undo: () => this.#continue(reached) };
  }

  #continue(pids: readonly number[]): void {
    // Who was continued meanwhile may have ended, and its id be another's.
    for (const pid of pids) if (this.#stopped.delete(pid)) signalTo(pid, 'SIGCONT');
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
