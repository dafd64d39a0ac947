/**
 * Matches mailbox names against LIST patterns.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.3.9 (`*` matches anything, `%` anything but the separator); §5.1 (INBOX in any case).
 * Limits:    a name costs at most its length times the pattern's (about 5 ms where both are at their limit and made
 *            for it): whoever walks many names yields between them.
 * Invariant: user text never becomes a regular expression.
 */

import { inbox, separator } from './mailbox-name.ts';

/** `reference` and `pattern` joined as RFC 9051 §6.3.9 describes: a pattern from the root stands alone. */
export function joinPattern(reference: string, pattern: string): string {
  return pattern.startsWith(separator) ? pattern.slice(separator.length) : reference + pattern;
}

/** The one name that a pattern matches; undefined: it has a wildcard. */
export function literalName(pattern: string): string | undefined {
  return /[*%]/.test(pattern) ? undefined : inboxInCapitals(pattern);
}

/** A pattern made ready for many names. */
export class ListPattern {
  readonly #pattern: string;
  /** What stands before the first wildcard: most names differ there. */
  readonly #prefix: string;

  constructor(pattern: string) {
    this.#pattern = inboxInCapitals(withoutRuns(pattern));
    this.#prefix = this.#pattern.split(/[*%]/, 1)[0]!;
  }

  matches(name: string): boolean {
    if (this.#pattern === '*') return true;
    return name.startsWith(this.#prefix) && reach(this.#pattern, name) === whole;
  }

  /** Whether something below `name` may match: what a walk of the tree may leave out. */
  mayMatchBelow(name: string): boolean {
    return reach(this.#pattern, name + separator) !== never;
  }
}

const never = 0;
/** The name is a beginning of something that matches. */
const beginning = 1;
const whole = 2;

/** `**`, `*%` and `%*` are `*`; `%%` is `%`. */
function withoutRuns(pattern: string): string {
  let plain = '';
  for (const character of pattern) {
    const last = plain.at(-1);
    const isWildcard = character === '*' || character === '%';
    if (!isWildcard || (last !== '*' && last !== '%')) plain += character;
    else if (character === '*') plain = `${plain.slice(0, -1)}*`;
  }
  return plain;
}

/** INBOX matches in any case, also as the first level. */
function inboxInCapitals(pattern: string): string {
  const first = pattern.split(/[/*%]/, 1)[0]!;
  return first.toUpperCase() === inbox ? inbox + pattern.slice(first.length) : pattern;
}

/**
 * Walks the name once with the set of places in the pattern that may be reached: so the work is bounded by name times
 * pattern, whatever stars are in it.
 */
function reach(pattern: string, name: string): 0 | 1 | 2 {
  let places = closure(pattern, [0]);
  for (let i = 0; i < name.length; i++) {
    const next: number[] = [];
    for (const place of places) {
      const expected = pattern[place];
      const isWild = expected === '*' || (expected === '%' && name[i] !== separator);
      const to = isWild ? place : expected === name[i] ? place + 1 : -1;
      if (to >= 0 && next[next.length - 1] !== to) next.push(to);
    }
    if (next.length === 0) return never;
    places = closure(pattern, next);
  }
  return places[places.length - 1] === pattern.length ? whole : beginning;
}

/** A wildcard may match nothing, so the place behind it is reached with it. Ascending, each once. */
function closure(pattern: string, places: readonly number[]): number[] {
  const all: number[] = [];
  for (const place of places) {
    if (all[all.length - 1] !== place) all.push(place);
    if (pattern[place] === '*' || pattern[place] === '%') all.push(place + 1);
  }
  return all;
}
