/**
 * Checks what stands behind a command or test against its declaration.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     RFC 5228 §2.6 (tagged arguments come before positional ones), §2.7 (match types, comparators), RFC 5231.
 */

import { comparators, defaultComparator } from '../compare/comparator.ts';
import {
  type Key,
  type Matching,
  type MatchType,
  makeKey,
  type Relation,
  relations,
} from '../compare/match.ts';
import { PatternFault } from '../compare/regex.ts';
import { SieveFault } from '../fault.ts';
import type { Argument, StringNode, TestNode } from '../syntax/tree.ts';
import { Arguments, type ArgumentValue } from './arguments.ts';
import { decodeEncodedCharacters } from './encoded-character.ts';
import type { ArgumentKind, CommandSpec, PositionalSpec, TagSpec, TestSpec } from './spec.ts';
import { isConstant, parseText, type Text } from './text.ts';

export interface Enabled {
  readonly extensions: ReadonlySet<string>;
  readonly isInLoop: boolean;
}

type Declared = Omit<CommandSpec | TestSpec, 'run'>;

/** RFC 5228 §2.7: of tests that compare. */
export const matchTags: readonly TagSpec[] = [
  { name: 'comparator', value: 'string' },
  { name: 'is', group: 'match' },
  { name: 'contains', group: 'match' },
  { name: 'matches', group: 'match' },
  { name: 'regex', group: 'match', extension: 'regex' },
  { name: 'value', group: 'match', extension: 'relational', value: 'string' },
  { name: 'count', group: 'match', extension: 'relational', value: 'string' },
  { name: 'list', group: 'match', extension: 'extlists' },
];

interface Read {
  readonly values: Map<string, ArgumentValue>;
  readonly places: Map<string, number>;
}

export function readArguments(spec: Declared, node: TestNode, enabled: Enabled): Arguments {
  const read: Read = { values: new Map(), places: new Map() };
  const rest = readTags(spec, node, enabled, read);
  readPositional(spec, node, rest, enabled, read);
  const matching = spec.keys === undefined ? undefined : readMatching(node, enabled, read);
  const keyTexts =
    spec.keys === undefined ? [] : ((read.values.get(spec.keys) ?? []) as readonly Text[]);
  const keys =
    matching === undefined ? undefined : constantKeys(spec, keyTexts, matching, node, read);
  const args = new Arguments({ at: node.at, ...read, matching, keyTexts, keys });
  spec.check?.(args, enabled);
  return args;
}

/** Answers what stands behind the tags. */
function readTags(
  spec: Declared,
  node: TestNode,
  enabled: Enabled,
  read: Read,
): readonly Argument[] {
  const tags = spec.keys === undefined ? (spec.tags ?? []) : [...matchTags, ...(spec.tags ?? [])];
  const groups = new Map<string, string>();
  const args = node.arguments;
  let at = 0;
  for (; args[at]?.kind === 'tag'; at++) {
    const argument = args[at] as Argument & { kind: 'tag' };
    const tag = tags.find(({ name }) => name === argument.name);
    const shown = `:${argument.name}`;
    if (tag === undefined) throw new SieveFault(argument.at, `${node.name} has no ${shown}`);
    if (tag.extension !== undefined && !enabled.extensions.has(tag.extension)) {
      const wanted = JSON.stringify(tag.extension);
      throw new SieveFault(argument.at, `${shown} is there only after require ${wanted}`);
    }
    const other = groups.get(tag.group ?? tag.name);
    if (other !== undefined) {
      const problem =
        other === shown ? `${shown} stands twice` : `${other} and ${shown} exclude one another`;
      throw new SieveFault(argument.at, problem);
    }
    groups.set(tag.group ?? tag.name, shown);
    read.places.set(shown, argument.at);
    if (tag.value === undefined) read.values.set(shown, true);
    else {
      const value = args[++at];
      if (value === undefined)
        throw new SieveFault(argument.at, `${shown} wants ${kindWords[tag.value]}`);
      read.values.set(shown, readValue(value, tag.value, shown, enabled));
    }
  }
  for (const { name, needs } of tags) {
    if (needs !== undefined && read.values.has(`:${name}`) && !read.values.has(`:${needs}`)) {
      throw new SieveFault(read.places.get(`:${name}`)!, `:${name} stands beside :${needs} only`);
    }
  }
  return args.slice(at);
}

function readPositional(
  spec: Declared,
  node: TestNode,
  given: readonly Argument[],
  enabled: Enabled,
  read: Read,
): void {
  const all = (spec.positional ?? []).filter(
    ({ extension }) => extension === undefined || enabled.extensions.has(extension),
  );
  const misplaced = given.find(({ kind }) => kind === 'tag');
  if (misplaced !== undefined) {
    throw new SieveFault(misplaced.at, 'tags stand before the other arguments');
  }
  const surplus = all.length - given.length;
  const wanted = surplus > 0 ? withoutOptional(all, surplus) : all;
  if (given.length < wanted.length) {
    const missing = wanted[given.length]!;
    throw new SieveFault(node.at, `${node.name} lacks ${kindWords[missing.kind]}: ${missing.name}`);
  }
  if (given.length > wanted.length) {
    throw new SieveFault(given[wanted.length]!.at, `${node.name} takes no more arguments`);
  }
  wanted.forEach(({ name, kind }, i) => {
    read.places.set(name, given[i]!.at);
    read.values.set(name, readValue(given[i]!, kind, `${node.name}'s ${name}`, enabled));
  });
}

function withoutOptional(
  all: readonly PositionalSpec[],
  surplus: number,
): readonly PositionalSpec[] {
  let left = surplus;
  return all.filter(({ isOptional }) => !(isOptional === true && left-- > 0));
}

const kindWords: Readonly<Record<ArgumentKind, string>> = {
  string: 'a string',
  strings: 'a string or a list of strings',
  number: 'a number',
};

function readValue(
  argument: Argument,
  kind: ArgumentKind,
  what: string,
  enabled: Enabled,
): ArgumentValue {
  if (kind === 'number') {
    if (argument.kind === 'number') return argument.value;
  } else if (argument.kind === 'strings' && (kind === 'strings' || !argument.isList)) {
    return argument.strings.map((node) => readText(node, enabled));
  }
  throw new SieveFault(argument.at, `${what} is ${kindWords[kind]}`);
}

function readText({ text, at }: StringNode, { extensions }: Enabled): Text {
  const decoded = extensions.has('encoded-character') ? decodeEncodedCharacters(text, at) : text;
  if (!extensions.has('variables')) return decoded;
  return parseText(decoded, (namespace) => {
    throw new SieveFault(at, `there is no namespace of variables ${JSON.stringify(namespace)}`);
  });
}

function readMatching(node: TestNode, enabled: Enabled, read: Read): Matching {
  const type = matchTags.find(
    ({ name, group }) => group === 'match' && read.values.has(`:${name}`),
  );
  const name = constantOf(read, ':comparator');
  const place = (tag: string) => read.places.get(tag) ?? node.at;
  const comparator = name === undefined ? defaultComparator : comparators[name];
  if (comparator === undefined) {
    throw new SieveFault(place(':comparator'), `there is no comparator ${JSON.stringify(name)}`);
  }
  // RFC 5228 §2.7.3 names two; scripts in use take the third for granted.
  const isBuiltIn = comparator.name.endsWith('casemap') || name === 'i;octet';
  if (!isBuiltIn && !enabled.extensions.has(`comparator-${name}`)) {
    const wanted = `require "comparator-${name}"`;
    throw new SieveFault(place(':comparator'), `${name} is there only after ${wanted}`);
  }
  const matchType = (type?.name ?? 'is') as MatchType;
  const needsSubstrings = ['contains', 'matches', 'regex'].includes(matchType);
  if (needsSubstrings && !comparator.hasSubstrings) {
    throw new SieveFault(place(':comparator'), `${name} compares whole values: no :${matchType}`);
  }
  const relation = constantOf(read, `:${matchType}`)?.toLowerCase() ?? 'eq';
  if (!relations.includes(relation)) {
    throw new SieveFault(
      place(`:${matchType}`),
      `:${matchType} wants one of ${relations.join(', ')}`,
    );
  }
  return { type: matchType, relation: relation as Relation, comparator };
}

function constantOf(read: Read, tag: string): string | undefined {
  const value = read.values.get(tag);
  if (value === undefined || value === true || typeof value === 'number') return undefined;
  const [text] = value;
  if (text !== undefined && isConstant(text)) return text;
  throw new SieveFault(read.places.get(tag)!, 'no variables may stand here');
}

function constantKeys(
  spec: Declared,
  texts: readonly Text[],
  matching: Matching,
  node: TestNode,
  read: Read,
): readonly Key[] | undefined {
  if (matching.type === 'list') return [];
  const keys: Key[] = [];
  let isConstantAll = true;
  for (const text of texts) {
    if (!isConstant(text)) {
      isConstantAll = false;
      continue;
    }
    try {
      keys.push(makeKey(text, matching));
    } catch (error) {
      if (!(error instanceof PatternFault)) throw error;
      throw new SieveFault(read.places.get(spec.keys!) ?? node.at, error.message);
    }
  }
  return isConstantAll ? keys : undefined;
}

/** The strings of `require` and its like, which take nothing else. */
export function stringsOf(node: TestNode, what: string): readonly StringNode[] {
  const [argument, ...others] = node.arguments;
  const surplus = others[0] ?? node.tests[0];
  if (surplus !== undefined) {
    throw new SieveFault(surplus.at, `${node.name} takes ${what} and nothing else`);
  }
  if (argument?.kind !== 'strings') throw new SieveFault(node.at, `${node.name} takes ${what}`);
  return argument.strings;
}
