/**
 * Variables: set, string, and `global` ones shared with included scripts.
 *
 * Specs:     RFC 5229 §4 (set and its modifiers), §5 (string), RFC 6609 §3.3, RFC 5435 §6 (:encodeurl),
 *            draft-ietf-sieve-regex-01 §5 (:quoteregex).
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension, TagSpec } from '../compile/spec.ts';
import { SieveFault } from '../fault.ts';
import { runLimits } from '../limits.ts';
import type { Machine } from '../run/machine.ts';

/** RFC 5229 §4.1: of one precedence (group) one may stand. */
export const modifierTags: readonly TagSpec[] = [
  { name: 'lower', group: '40' },
  { name: 'upper', group: '40' },
  { name: 'lowerfirst', group: '30' },
  { name: 'upperfirst', group: '30' },
  { name: 'quotewildcard', group: '20' },
  { name: 'quoteregex', group: '20', extension: 'regex' },
  { name: 'encodeurl', group: '15', extension: 'enotify' },
  { name: 'length', group: '10' },
];

type Modifier = (text: string) => string;

/** The higher precedence is done first. */
const modifiers: readonly (readonly [string, Modifier])[] = [
  ['lower', (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())],
  ['upper', (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())],
  ['lowerfirst', (text) => text.replace(/^[A-Z]/, (letter) => letter.toLowerCase())],
  ['upperfirst', (text) => text.replace(/^[a-z]/, (letter) => letter.toUpperCase())],
  ['quotewildcard', (text) => text.replace(/[*?\\]/g, '\\$&')],
  ['quoteregex', (text) => text.replace(/[.^$*+?()[\]{}|\\]/g, '\\$&')],
  // RFC 3986 §2.3: all but unreserved characters.
  ['encodeurl', (text) => encodeUri(text)],
  ['length', (text) => String([...text].length)],
];

function encodeUri(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function modified(args: Arguments, text: string): string {
  let value = text;
  for (const [name, modifier] of modifiers) if (args.has(`:${name}`)) value = modifier(value);
  return value;
}

const variableName = /^(?:global\.)?[a-z_]\w*$/i;

/** Checks a variable's name before the run, where it is known. */
export function checkVariableName(args: Arguments, argument: string, hasGlobal: boolean): void {
  const name = args.constant(argument);
  if (name === undefined) throw args.fault(argument, 'no variables may stand here');
  const isQualified = /^global\./i.test(name);
  if (!variableName.test(name) || (isQualified && !hasGlobal)) {
    throw args.fault(argument, `${JSON.stringify(name)} is no name of a variable`);
  }
}

/** `argument` names the variable. */
export function setVariable(
  machine: Machine,
  args: Arguments,
  argument: string,
  value: string,
): void {
  const name = machine.text(args.text(argument)).toLowerCase();
  if (!variableName.test(name)) {
    throw args.fault(argument, `${JSON.stringify(name)} is no name of a variable`);
  }
  const isGlobal = name.startsWith('global.');
  if (!machine.variables.set(isGlobal ? name.slice(7) : name, isGlobal, value)) {
    throw new SieveFault(args.at, `more than ${runLimits.variablesMax} variables`);
  }
}

export const variables: Extension = {
  names: ['variables'],
  commands: [
    {
      name: 'set',
      extensions: ['variables'],
      tags: modifierTags,
      positional: [
        { name: 'name', kind: 'string' },
        { name: 'value', kind: 'string' },
      ],
      check: (args, { extensions }) => checkVariableName(args, 'name', extensions.has('include')),
      run: (machine, args) => {
        const value = machine.text(args.text('value'));
        setVariable(machine, args, 'name', modified(args, value));
      },
    },
    {
      name: 'global',
      extensions: ['include'],
      positional: [{ name: 'names', kind: 'strings' }],
      check: (args, { extensions }) => {
        if (!extensions.has('variables')) {
          throw new SieveFault(args.at, 'global is there only after require "variables"');
        }
      },
      run: (machine, args) => {
        const { globals, values } = machine.variables.scope;
        for (const name of machine.texts(args.texts('names'))) {
          if (!/^[a-z_]\w*$/i.test(name)) {
            throw args.fault('names', `${JSON.stringify(name)} is no name of a variable`);
          }
          const lower = name.toLowerCase();
          // RFC 6609 §3.3: a name in use for a variable of its own cannot become a shared one.
          if (values.has(lower)) throw args.fault('names', `${name} was set before it was global`);
          globals.add(lower);
        }
      },
    },
  ],
  tests: [
    {
      name: 'string',
      extensions: ['variables'],
      positional: [
        { name: 'source', kind: 'strings' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      run: (machine, args) => {
        const values = machine.texts(args.texts('source'));
        // RFC 5229 §5: strings that are not empty are counted.
        const isCount = args.matching?.type === 'count';
        return machine.matches(args, isCount ? values.filter((value) => value !== '') : values);
      },
    },
  ],
};
