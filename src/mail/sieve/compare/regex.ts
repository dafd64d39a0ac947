/**
 * `:regex`: POSIX extended regular expressions, by an automaton. No pattern makes it slow, and none reaches V8's own.
 *
 * Runs in:   anywhere; pure. Time is linear in the value's length.
 * Specs:     draft-ietf-sieve-regex-01 (no back references; the longest match counts), POSIX.1 §9.4.
 * Limits:    `scriptLimits.regexLengthMax`, `regexProgramMax`.
 */

import { RE2JS } from 're2js';
import { scriptLimits } from '../limits.ts';
import type { Comparator } from './comparator.ts';
import type { Captures } from './glob.ts';

/** As measured against a search for a text. */
const statesPerCost = 16;

/** A pattern that is none; its message is for the script's author. */
export class PatternFault extends Error {
  override readonly name = 'PatternFault';
}

export class Regex {
  readonly #automaton: RE2JS;

  constructor(pattern: string, comparator: Comparator) {
    const { regexLengthMax, regexProgramMax } = scriptLimits;
    if (pattern.length > regexLengthMax) {
      throw new PatternFault(`the pattern is longer than ${regexLengthMax} characters`);
    }
    const isFolding = comparator.name.endsWith('casemap');
    const flags = RE2JS.DOTALL | RE2JS.LONGEST_MATCH | (isFolding ? RE2JS.CASE_INSENSITIVE : 0);
    const translated = translate(pattern);
    try {
      this.#automaton = RE2JS.compile(translated, flags);
    } catch (error) {
      throw new PatternFault(`no regular expression: ${reasonOf(error)}`);
    }
    if (this.#automaton.programSize() > regexProgramMax) {
      throw new PatternFault('the pattern with its repeats becomes too large');
    }
  }

  /** Of a character: all states of the automaton may be looked at. */
  get cost(): number {
    return 1 + this.#automaton.programSize() / statesPerCost;
  }

  match(value: string, wantsCaptures: boolean): Captures | true | undefined {
    // Whether it matches at all is told many times faster than where.
    if (!this.#automaton.test(value)) return undefined;
    if (!wantsCaptures) return true;
    const matcher = this.#automaton.matcher(value);
    if (!matcher.find()) return undefined;
    return Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unknown';
}

const interval = /\{\d+(?:,\d*)?\}/y;
const namedClass = /\[:[a-z]+:\]/y;
const collating = /\[([.=])([^\]])\1\]/y;
/** GNU's additions, which scripts in use have. */
const knownEscapes = /[wWsSbB]/;
const punctuation = /[!-/:-@[-`{-~]/;

/** The same pattern in the automaton's own syntax: it has meanings for `\` and `(?` that POSIX has not. */
function translate(pattern: string): string {
  let out = '';
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at]!;
    if (char === '\\') {
      out += escaped(pattern[at + 1]);
      at += 2;
    } else if (char === '[') {
      const end = bracketEnd(pattern, at);
      out += bracket(pattern.slice(at, end));
      at = end;
    } else if (char === '(' && pattern[at + 1] === '?') {
      throw new PatternFault('"(?" has no meaning');
    } else if (char === '{') {
      interval.lastIndex = at;
      const taken = interval.exec(pattern)?.[0];
      out += taken ?? '\\{';
      at += taken?.length ?? 1;
    } else {
      out += char;
      at++;
    }
  }
  return out;
}

function escaped(char: string | undefined): string {
  if (char === undefined) throw new PatternFault('a backslash at the end');
  if (/[0-9]/.test(char)) throw new PatternFault(`back references ("\\${char}") are not possible`);
  if (char === '<' || char === '>') return '\\b';
  if (knownEscapes.test(char) || punctuation.test(char)) return `\\${char}`;
  if (/[A-Za-z]/.test(char)) throw new PatternFault(`"\\${char}" has no meaning`);
  return char;
}

/** After the `]` of a bracket expression; one that comes first is a member. */
function bracketEnd(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === '^') at++;
  if (pattern[at] === ']') at++;
  while (at < pattern.length && pattern[at] !== ']') {
    const inner = pattern[at] === '[' ? innerEnd(pattern, at) : 0;
    at = inner > 0 ? inner : at + 1;
  }
  if (at >= pattern.length) throw new PatternFault('a "[" without its "]"');
  return at + 1;
}

/** After `[:alpha:]`, `[.x.]` or `[=x=]`; 0 where there is none. */
function innerEnd(pattern: string, at: number): number {
  for (const form of [namedClass, collating]) {
    form.lastIndex = at;
    if (form.test(pattern)) return form.lastIndex;
  }
  return 0;
}

function bracket(text: string): string {
  let out = text.startsWith('[^') ? '[^' : '[';
  let at = out.length;
  const end = text.length - 1;
  while (at < end) {
    const inner = text[at] === '[' ? innerEnd(text, at) : 0;
    if (inner > 0) {
      const taken = text.slice(at, inner);
      out += taken.startsWith('[:') ? taken : `\\${taken[2]}`;
      at = inner;
      continue;
    }
    const char = text[at]!;
    out += '\\[]^'.includes(char) ? `\\${char}` : char;
    at++;
  }
  return `${out}]`;
}
