/**
 * What a scenario says is done to the server, and when.
 *
 * Runs in: load generator.
 */

import { isProcessName, processWants } from '../observe/process-ids.ts';
import { signals, stepsCountMax, type TroubleStep } from '../trouble/trouble-run.ts';
import {
  choice,
  duration,
  type Field,
  list,
  optional,
  record,
  ScenarioFault,
  suited,
  text,
} from './fields.ts';

/** A PID may be written as a number. */
const named = suited(text(processWants), isProcessName);
const processes: Field<string> = {
  read: (value, path) => named.read(typeof value === 'number' ? `${value}` : value, path),
  wants: processWants,
};

const shortNames = { kill: 'SIGKILL', stop: 'SIGSTOP', continue: 'SIGCONT' } as const;

const step = record({
  at: duration(),
  kill: optional(processes),
  stop: optional(processes),
  continue: optional(processes),
  signal: optional(choice(signals)),
  to: optional(processes),
});

const steps: Field<readonly TroubleStep[]> = {
  ...list({ read: readStep, wants: step.wants }, stepsCountMax),
};

export const troubleShape = { trouble: optional(steps) };

function readStep(value: unknown, path: readonly (string | number)[]): TroubleStep {
  const given = step.read(value, path);
  const found: TroubleStep[] = [];
  for (const name of ['kill', 'stop', 'continue'] as const) {
    const target = given[name];
    if (target !== undefined) {
      found.push({ atMs: given.at, signal: shortNames[name], processes: target });
    }
  }
  const { signal, to } = given;
  if (signal !== undefined && to !== undefined) {
    found.push({ atMs: given.at, signal, processes: to });
  }
  if (found.length !== 1 || (signal === undefined) !== (to === undefined)) {
    throw new ScenarioFault(
      path,
      'does not do one thing: write kill, stop or continue, or signal and to',
    );
  }
  return found[0]!;
}

export function troublePlan({
  trouble,
}: {
  readonly trouble: readonly TroubleStep[] | undefined;
}): {
  readonly trouble?: readonly TroubleStep[];
} {
  return trouble === undefined ? {} : { trouble };
}
