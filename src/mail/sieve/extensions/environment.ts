/**
 * Where a script runs: environment; and errors of its own: error.
 *
 * Specs:     RFC 5183 (an item that is not known fails any test), RFC 5463 §5.
 */

import type { Extension } from '../compile/spec.ts';
import { SieveFault } from '../fault.ts';

export const environment: Extension = {
  names: ['environment', 'ihave'],
  commands: [
    {
      name: 'error',
      extensions: ['ihave'],
      positional: [{ name: 'message', kind: 'string' }],
      run: (machine, args) => {
        throw new SieveFault(args.at, machine.text(args.text('message')));
      },
    },
  ],
  tests: [
    {
      name: 'environment',
      extensions: ['environment'],
      positional: [
        { name: 'item', kind: 'string' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      run: (machine, args) => {
        const value = machine.host.environment(machine.text(args.text('item')).toLowerCase());
        return value !== undefined && machine.matches(args, [value]);
      },
    },
  ],
};
