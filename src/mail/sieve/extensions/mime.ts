/**
 * extracttext: a part's text into a variable.
 *
 * Specs:     RFC 5703 §7. Loops over parts are part of the compiler (`foreverypart`, `break`).
 */

import type { Extension } from '../compile/spec.ts';
import { SieveFault } from '../fault.ts';
import { readableText } from '../message/part-text.ts';
import { checkVariableName, modified, modifierTags, setVariable } from './variables.ts';

export const mime: Extension = {
  names: ['mime', 'foreverypart', 'extracttext'],
  commands: [
    {
      name: 'extracttext',
      extensions: ['extracttext'],
      tags: [...modifierTags, { name: 'first', value: 'number' }],
      positional: [{ name: 'name', kind: 'string' }],
      check: (args, { extensions, isInLoop }) => {
        if (!isInLoop) throw new SieveFault(args.at, 'extracttext stands within a foreverypart');
        if (!extensions.has('variables')) {
          throw new SieveFault(args.at, 'extracttext is there only after require "variables"');
        }
        checkVariableName(args, 'name', extensions.has('include'));
      },
      run: (machine, args) => {
        const { part } = machine;
        if (part === undefined) throw new SieveFault(args.at, 'no part is at hand');
        // Decoding is work, whatever comes of it.
        machine.charge(part.bodyEnd - part.bodyStart, args.at);
        const text = part.type === 'text' ? readableText(machine.message, part) : '';
        const characters = args.has(':first') ? [...text].slice(0, args.number(':first')) : text;
        const first = typeof characters === 'string' ? characters : characters.join('');
        setVariable(machine, args, 'name', modified(args, first));
      },
    },
  ],
};
