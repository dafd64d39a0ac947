/**
 * Refusals: reject and ereject.
 *
 * Specs:     RFC 5429 §2.1 (ereject: in the session where that is possible), §2.2 (reject).
 */

import type { CommandSpec, Extension } from '../compile/spec.ts';

function refusal(name: 'reject' | 'ereject'): CommandSpec {
  return {
    name,
    extensions: [name],
    positional: [{ name: 'reason', kind: 'string' }],
    run: (machine, args) => {
      machine.outcome.keepsImplicitly = false;
      const reason = machine.text(args.text('reason'));
      machine.outcome.add({ action: name, reason }, args.at);
    },
  };
}

export const reject: Extension = {
  names: ['reject', 'ereject'],
  commands: [refusal('reject'), refusal('ereject')],
};
