/**
 * addheader, deleteheader.
 *
 * Specs:     RFC 5293. Trace fields and Auto-Submitted stay (§6): without them loops go unseen.
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension } from '../compile/spec.ts';
import { SieveFault } from '../fault.ts';
import type { Machine } from '../run/machine.ts';

const fieldName = /^[\x21-\x39\x3b-\x7e]{1,100}$/;
const keptNames: ReadonlySet<string> = new Set(['message-id', 'delivered-to']);
const protectedNames: ReadonlySet<string> = new Set(['received', 'auto-submitted', ...keptNames]);
const valueLengthMax = 8_192;

function checkName(args: Arguments): void {
  const name = args.constant('field name');
  if (name !== undefined && !fieldName.test(name)) {
    throw args.fault('field name', `${JSON.stringify(name)} is no name of a field`);
  }
}

const notValue = 'the value of a field is text, without control characters';

/** Where to fold is for whoever writes the message. */
function oneLine(text: string): string {
  return text.replace(/[ \t]*[\r\n]+[ \t]*/g, ' ').trim();
}

function isValue(text: string): boolean {
  return !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text) && text.length <= valueLengthMax;
}

function nameOf(machine: Machine, args: Arguments): string {
  const name = machine.text(args.text('field name'));
  if (fieldName.test(name)) return name;
  throw args.fault('field name', `${JSON.stringify(name)} is no name of a field`);
}

function add(machine: Machine, args: Arguments): void {
  const name = nameOf(machine, args);
  const value = oneLine(machine.text(args.text('value')));
  if (!isValue(value)) throw args.fault('value', notValue);
  // By these a message is known when it comes back: a script that changed them could send it round for ever.
  if (keptNames.has(name.toLowerCase())) return;
  const isLast = args.has(':last');
  machine.outcome.add(
    { action: 'addheader', name, value, ...(isLast ? { last: true } : {}) },
    args.at,
  );
  machine.message.headers.add(name, value, isLast);
}

function remove(machine: Machine, args: Arguments): void {
  const name = nameOf(machine, args);
  if (protectedNames.has(name.toLowerCase())) return;
  const values = machine.message.headers.texts(name);
  let chosen = values.map((_, i) => i + 1);
  if (args.has(':index')) {
    const index = args.number(':index');
    const at = args.has(':last') ? values.length - index + 1 : index;
    chosen = chosen.filter((each) => each === at);
  }
  if (args.has('value patterns')) {
    chosen = chosen.filter((each) => machine.matches(args, [values[each - 1]!], false));
  }
  // From the end: what is gone changes no number before it.
  for (const index of chosen.reverse()) {
    machine.outcome.add({ action: 'deleteheader', name, index }, args.at);
    machine.message.headers.delete(name, index);
  }
}

export const editHeader: Extension = {
  names: ['editheader'],
  commands: [
    {
      name: 'addheader',
      extensions: ['editheader'],
      tags: [{ name: 'last' }],
      positional: [
        { name: 'field name', kind: 'string' },
        { name: 'value', kind: 'string' },
      ],
      check: (args) => {
        checkName(args);
        const value = args.constant('value');
        if (value !== undefined && !isValue(oneLine(value))) throw args.fault('value', notValue);
      },
      run: add,
    },
    {
      name: 'deleteheader',
      extensions: ['editheader'],
      tags: [
        { name: 'index', value: 'number' },
        { name: 'last', needs: 'index' },
      ],
      positional: [
        { name: 'field name', kind: 'string' },
        { name: 'value patterns', kind: 'strings', isOptional: true },
      ],
      keys: 'value patterns',
      check: (args) => {
        checkName(args);
        if (args.has(':index') && args.number(':index') < 1) {
          throw args.fault(':index', 'fields are counted from 1');
        }
        if (args.matching?.type === 'count') {
          throw new SieveFault(args.at, 'deleteheader counts nothing: no :count');
        }
      },
      run: remove,
    },
  ],
};
