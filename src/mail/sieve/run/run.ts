/**
 * Runs the scripts of a delivery one after another, and says what is to be done with the message.
 *
 * Runs in:   engine threads and jobs.
 * Specs:     RFC 5228 §2.10.2 (implicit keep), §2.10.6 (errors keep the message).
 * Invariant: whatever script and message are, there is an outcome; a run that fails has asked for nothing but the keep.
 */

import type { Program } from '../compile/program.ts';
import { placeOf, SieveFault, type SievePlace } from '../fault.ts';
import type { Action, DuplicateMark } from './actions.ts';
import type { SieveHost } from './host.ts';
import { Machine, type ScriptFinder } from './machine.ts';

export interface RunFault extends SievePlace {
  readonly message: string;
}

export interface Outcome {
  /** In order. */
  readonly actions: readonly Action[];
  /** To be remembered once the actions are done. */
  readonly marks: readonly DuplicateMark[];
  /** The run failed: `actions` is the keep alone. */
  readonly fault?: RunFault;
}

export function runScript(
  program: Program,
  message: Uint8Array,
  host: SieveHost,
  find: ScriptFinder = () => undefined,
): Outcome {
  const machine = new Machine(program, message, host, find);
  try {
    machine.run();
  } catch (error) {
    if (!(error instanceof SieveFault)) throw error;
    const fault = { message: error.message, ...placeOf(program.source, error.at) };
    return { actions: [{ action: 'keep', isImplicit: true }], marks: [], fault };
  }
  const { actions, marks, keepsImplicitly } = machine.outcome;
  const isKept = actions.some(({ action }) => action === 'keep');
  if (!keepsImplicitly || isKept) return { actions, marks };
  const flags = machine.flags;
  const keep: Action = {
    action: 'keep',
    isImplicit: true,
    ...(flags === undefined || flags.length === 0 ? {} : { flags }),
  };
  return { actions: [...actions, keep], marks };
}
