/**
 * `:matches`: a pattern in which `*` stands for any characters and `?` for one.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 5228 §2.7.1, RFC 5229 §3.2 (what the wildcards stood for; `*` takes as little as it can).
 * Limits:    time grows with the value's length times the pattern's over 32, whatever both say: nothing is tried twice.
 */

import type { Comparator } from './comparator.ts';

/** What the whole pattern and each wildcard stood for, in order: match variables 0, 1, 2 and so on. */
export type Captures = readonly string[];

/** Characters of the pattern between two stars; undefined stands for any one. */
type Segment = readonly (string | undefined)[];

export class Glob {
  readonly #comparator: Comparator;
  readonly #segments: readonly Segment[];

  constructor(pattern: string, comparator: Comparator) {
    this.#comparator = comparator;
    this.#segments = segmentsOf(pattern, comparator);
  }

  match(value: string): Captures | undefined {
    const folded = foldedUnits(value, this.#comparator);
    const { units } = folded;
    const segments = this.#segments;
    const first = segments[0]!;
    if (!isAt(units, first, 0)) return undefined;
    const ends: number[] = [];
    /** Of each segment, where it stands. */
    const starts: number[] = [0];
    ends.push(first.length);
    if (segments.length === 1) {
      return units.length === first.length ? captures(value, folded, segments, starts) : undefined;
    }
    for (let i = 1; i < segments.length - 1; i++) {
      const start = indexOf(units, segments[i]!, ends[i - 1]!);
      if (start < 0) return undefined;
      starts.push(start);
      ends.push(start + segments[i]!.length);
    }
    const last = segments.at(-1)!;
    const start = units.length - last.length;
    if (start < ends.at(-1)! || !isAt(units, last, start)) return undefined;
    starts.push(start);
    return captures(value, folded, segments, starts);
  }
}

/** RFC 5228 §2.7.1: a backslash takes a wildcard's meaning away. */
function segmentsOf(pattern: string, comparator: Comparator): Segment[] {
  const segments: (string | undefined)[][] = [[]];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    let character = characters[i]!;
    if (character === '*') {
      segments.push([]);
      continue;
    }
    if (character === '?') {
      segments.at(-1)!.push(undefined);
      continue;
    }
    if (character === '\\' && i + 1 < characters.length) character = characters[++i]!;
    segments.at(-1)!.push(...comparator.fold(character));
  }
  // `**` is `*` and an empty capture: an empty segment between them says just that.
  return segments;
}

interface Folded {
  readonly units: readonly string[];
  /** Where in the value the unit at each index begins; one more for the end. Undefined: counted by characters. */
  readonly places: readonly number[];
}

function foldedUnits(value: string, comparator: Comparator): Folded {
  const units: string[] = [];
  const places: number[] = [];
  let place = 0;
  const text = comparator.keepsPlaces ? comparator.fold(value) : value;
  for (const character of text) {
    if (comparator.keepsPlaces) {
      units.push(character);
      places.push(place);
    } else {
      for (const unit of comparator.fold(character)) {
        units.push(unit);
        places.push(place);
      }
    }
    place += character.length;
  }
  places.push(place);
  return { units, places };
}

function isAt(units: readonly string[], segment: Segment, start: number): boolean {
  if (start + segment.length > units.length) return false;
  for (let i = 0; i < segment.length; i++) {
    const wanted = segment[i];
    if (wanted !== undefined && wanted !== units[start + i]) return false;
  }
  return true;
}

/** How often a search may start over before it is done by bits, which never does. */
const plainTriesMax = 4_096;

function indexOf(units: readonly string[], segment: Segment, from: number): number {
  const last = units.length - segment.length;
  if (segment.length <= 4 || last - from < plainTriesMax / segment.length) {
    for (let start = from; start <= last; start++) if (isAt(units, segment, start)) return start;
    return -1;
  }
  return indexByBits(units, segment, from);
}

/** Shift-and: one bit for each beginning of the segment that the characters read so far end with. */
function indexByBits(units: readonly string[], segment: Segment, from: number): number {
  const words = (segment.length + 31) >>> 5;
  const anyMask = new Int32Array(words);
  const masks = new Map<string, Int32Array>();
  segment.forEach((wanted, i) => {
    if (wanted === undefined) anyMask[i >>> 5]! |= 1 << (i & 31);
    else if (!masks.has(wanted)) masks.set(wanted, new Int32Array(words));
  });
  for (const [character, mask] of masks) {
    segment.forEach((wanted, i) => {
      if (wanted === undefined || wanted === character) mask[i >>> 5]! |= 1 << (i & 31);
    });
  }
  const state = new Int32Array(words);
  const lastBit = 1 << ((segment.length - 1) & 31);
  for (let at = from; at < units.length; at++) {
    const mask = masks.get(units[at]!) ?? anyMask;
    let carry = 1;
    for (let word = 0; word < words; word++) {
      const bits = state[word]!;
      state[word] = ((bits << 1) | carry) & mask[word]!;
      carry = bits >>> 31;
    }
    if ((state[words - 1]! & lastBit) !== 0) return at - segment.length + 1;
  }
  return -1;
}

function captures(
  value: string,
  { places }: Folded,
  segments: readonly Segment[],
  starts: readonly number[],
): Captures {
  const out = [value];
  const cut = (from: number, to: number) => out.push(value.slice(places[from]!, places[to]!));
  segments.forEach((segment, i) => {
    const start = starts[i]!;
    if (i > 0) cut(starts[i - 1]! + segments[i - 1]!.length, start);
    segment.forEach((wanted, k) => {
      if (wanted === undefined) cut(start + k, start + k + 1);
    });
  });
  return out;
}
