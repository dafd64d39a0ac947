/**
 * Reads flags: system flags become bits, keywords stay words.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 9051 §2.3.2, §9 (flag, flag-list, flag-keyword).
 * Limits:    `listItemsMax` flags, `keywordBytesMax` octets a keyword.
 */

import { type Cursor, fail } from './cursor.ts';
import { keywordBytesMax, listItemsMax } from './limits.ts';
import { backslash, classAtom, parenClose, parenOpen, space } from './octets.ts';
import { expectOctet, takeOctet, takeRun } from './parse-strings.ts';

/** By bit number, in RFC 9051 §2.3.2's order. */
export const systemFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const;

const systemFlagBits: ReadonlyMap<string, number> = new Map(
  systemFlags.map((flag, bit) => [flag.slice(1).toUpperCase(), bit]),
);

export interface Flags {
  /** Bits by place in `systemFlags`. */
  readonly system: number;
  /** As written; each once, whatever its case (RFC 9051 §2.3.2: keywords have none). */
  readonly keywords: readonly string[];
}

const noKeywords: readonly string[] = [];
export const noFlags: Flags = { system: 0, keywords: noKeywords };

/** `(\Seen $Junk)` or `()`. */
export function parseFlagList(cursor: Cursor): Flags | undefined {
  if (!expectOctet(cursor, parenOpen, 'A flag list is missing')) return undefined;
  if (takeOctet(cursor, parenClose)) return noFlags;
  const flags = parseBareFlags(cursor);
  if (flags === undefined) return undefined;
  return expectOctet(cursor, parenClose, 'A flag list has no end') ? flags : undefined;
}

/** `\Seen \Deleted` without parentheses, as STORE allows. */
export function parseBareFlags(cursor: Cursor): Flags | undefined {
  let system = 0;
  let keywords: Map<string, string> | undefined;
  let count = 0;
  do {
    if (++count > listItemsMax) return fail(cursor, 'Too many flags', 'limit');
    if (takeOctet(cursor, backslash)) {
      const bit = systemFlagBits.get(takeRun(cursor, classAtom).toUpperCase());
      // RFC 9051 §2.3.2: \Recent cannot be changed by a client, and no further system flag is known.
      if (bit === undefined) return fail(cursor, 'Unknown or unchangeable system flag');
      system |= 1 << bit;
    } else {
      const keyword = takeRun(cursor, classAtom);
      if (keyword === '') return fail(cursor, 'A flag is missing');
      if (keyword.length > keywordBytesMax) return fail(cursor, 'A keyword is too long', 'limit');
      keywords ??= new Map();
      const folded = keyword.toLowerCase();
      if (!keywords.has(folded)) keywords.set(folded, keyword);
    }
  } while (takeOctet(cursor, space));
  return { system, keywords: keywords === undefined ? noKeywords : [...keywords.values()] };
}

/** Bit of a system flag's name without backslash, in upper case; -1 where there is none. */
export function systemFlagBit(name: string): number {
  return systemFlagBits.get(name) ?? -1;
}
