/**
 * Runs the scripts of a delivery one after another, and says what is to be done with the message.
 *
 * Runs in:   engine threads and jobs.
 * Specs:     RFC 5228 §2.10.2 (implicit keep), §2.10.6 (errors keep the message).
 * Invariant: whatever script and message are, there is an outcome; a script that fails has asked for nothing but the
 *            keep.
 */

import type { Program } from '../compile/program.ts';
import { placeOf, SieveFault, type SievePlace } from '../fault.ts';
import { SieveMessage } from '../message/message.ts';
import type { Action, DuplicateMark } from './actions.ts';
import type { SieveHost } from './host.ts';
import { Machine, type Script, type ScriptFinder } from './machine.ts';
import { OutcomeDraft } from './outcome.ts';

export interface RunFault extends SievePlace {
  readonly message: string;
}

export interface Outcome {
  /** In order. */
  readonly actions: readonly Action[];
  /** To be remembered once the actions are done. */
  readonly marks: readonly DuplicateMark[];
  /** A script failed: `actions` are those of the scripts before it, and the keep. */
  readonly fault?: RunFault;
}

/** One script; `find` gives those that it includes. */
export function runScript(
  program: Program,
  message: Uint8Array,
  host: SieveHost,
  find: ScriptFinder = () => undefined,
): Outcome {
  return runScripts([{ program, find }], new SieveMessage(message), host);
}

/**
 * Each script sees what those before it left to be kept, with their edits; what they filed, discarded or refused it
 * does not see. A script that fails ends the run: what those before it asked for stands, and the message is kept.
 */
export function runScripts(
  scripts: readonly Script[],
  message: SieveMessage,
  host: SieveHost,
): Outcome {
  const draft = new OutcomeDraft();
  let { flags } = host;
  for (const [place, script] of scripts.entries()) {
    const machine = new Machine(script, message, draft, host);
    machine.flags = flags;
    const before = draft.mark();
    try {
      machine.run();
    } catch (error) {
      if (!(error instanceof SieveFault)) throw error;
      draft.backTo(before);
      const fault = { message: error.message, ...placeOf(script.program.source, error.at) };
      return { ...kept(draft, undefined), fault };
    }
    flags = machine.flags;
    const isLast = place === scripts.length - 1;
    const keep = draft.actions.find((action) => action.action === 'keep');
    if (keep === undefined && !draft.keepsImplicitly) break;
    // What one keeps is for the next to look at.
    if (keep !== undefined && !isLast) {
      draft.actions.splice(draft.actions.indexOf(keep), 1);
      draft.keepsImplicitly = true;
      flags = keep.flags ?? flags;
    }
  }
  return kept(draft, flags);
}

/** With the keep that nothing cancelled. */
function kept(draft: OutcomeDraft, flags: readonly string[] | undefined): Outcome {
  const { actions, marks, keepsImplicitly } = draft;
  const isKept = actions.some(({ action }) => action === 'keep');
  if (!keepsImplicitly || isKept) return { actions, marks };
  const keep: Action = {
    action: 'keep',
    isImplicit: true,
    ...(flags === undefined || flags.length === 0 ? {} : { flags }),
  };
  return { actions: [...actions, keep], marks };
}
