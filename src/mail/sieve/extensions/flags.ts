/**
 * Flags of the copies that a script makes: setflag, addflag, removeflag, hasflag, `:flags`.
 *
 * Specs:     RFC 5232. What is no flag is left out (§2); `\Recent` cannot be set (RFC 9051 §2.3.2).
 */

import type { Arguments } from '../compile/arguments.ts';
import type { CommandSpec, Extension, TagSpec } from '../compile/spec.ts';
import type { Machine } from '../run/machine.ts';
import { setVariable } from './variables.ts';

export const flagsTag: TagSpec = { name: 'flags', extension: 'imap4flags', value: 'strings' };

const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'];
/** RFC 9051 §9 (flag-keyword is an atom). */
const keyword = /^[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,100}$/;

/** Strings of flags, several in each perhaps, as flags: each once, in the order they are named. */
export function flagList(texts: readonly string[]): readonly string[] {
  const flags = new Map<string, string>();
  for (const word of texts.flatMap((text) => text.split(/\s+/))) {
    const lower = word.toLowerCase();
    const system = systemFlags.find((flag) => flag.toLowerCase() === lower);
    if (system === undefined && !keyword.test(word)) continue;
    if (!flags.has(lower)) flags.set(lower, system ?? word);
  }
  return [...flags.values()];
}

/** The flags of a copy: those of its own tag, else those that the script has gathered. */
export function flagsOf(machine: Machine, args: Arguments): { readonly flags?: readonly string[] } {
  if (args.has(':flags')) return { flags: flagList(machine.texts(args.texts(':flags'))) };
  return machine.flags === undefined ? {} : { flags: machine.flags };
}

function held(machine: Machine, name: string | undefined): readonly string[] {
  if (name === undefined) return machine.flags ?? [];
  const isGlobal = name.startsWith('global.');
  return flagList([machine.variables.get(isGlobal ? name.slice(7) : name, isGlobal)]);
}

function change(
  name: string,
  changed: (old: readonly string[], given: readonly string[]) => readonly string[],
): CommandSpec {
  return {
    name,
    extensions: ['imap4flags'],
    positional: [
      { name: 'variable', kind: 'string', isOptional: true, extension: 'variables' },
      { name: 'flags', kind: 'strings' },
    ],
    run: (machine, args) => {
      const variable = machine.optionalText(args, 'variable')?.toLowerCase();
      const given = flagList(machine.texts(args.texts('flags')));
      const flags = changed(held(machine, variable), given);
      if (variable === undefined) machine.flags = flags;
      else setVariable(machine, args, 'variable', flags.join(' '));
    },
  };
}

const without = (old: readonly string[], given: readonly string[]) => {
  const gone = new Set(given.map((flag) => flag.toLowerCase()));
  return old.filter((flag) => !gone.has(flag.toLowerCase()));
};

export const flags: Extension = {
  names: ['imap4flags'],
  commands: [
    change('setflag', (_, given) => given),
    change('addflag', (old, given) => flagList([...old, ...given])),
    change('removeflag', without),
  ],
  tests: [
    {
      name: 'hasflag',
      extensions: ['imap4flags'],
      positional: [
        { name: 'variables', kind: 'strings', isOptional: true, extension: 'variables' },
        { name: 'flags', kind: 'strings' },
      ],
      keys: 'flags',
      run: (machine, args) => {
        const names = args.has('variables') ? machine.texts(args.texts('variables')) : [undefined];
        const values = names.flatMap((name) => held(machine, name?.toLowerCase()));
        // RFC 5232 §4: a key may name several flags; any of them is enough.
        const keys = machine.texts(args.keyTexts);
        const isPlain = !keys.some((key) => /\s/.test(key)) || isRelational(args);
        if (isPlain) return machine.matches(args, values);
        return machine.matches(
          args,
          values,
          true,
          keys.flatMap((key) => key.split(/\s+/)),
        );
      },
    },
  ],
};

function isRelational(args: Arguments): boolean {
  return args.matching?.type === 'count' || args.matching?.type === 'value';
}
