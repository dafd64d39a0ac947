/**
 * Reads a command's tag and name.
 *
 * Runs in:   anywhere; pure; hot: two short strings are made.
 * Specs:     RFC 9051 §2.2.1 (tags), §9 (tag, command), §6.4.9 (UID).
 */

import type { Buffer } from 'node:buffer';
import { type Cursor, fail } from './cursor.ts';
import { classAtom, classes, classTag, space } from './octets.ts';
import { expectSpace, takeRun } from './parse-strings.ts';

export interface CommandStart {
  readonly tag: string;
  /** In upper case; `UID FETCH` is one name. */
  readonly name: string;
}

const tagBytesMax = 128;
const nameBytesMax = 32;

/**
 * The cursor stands after the name. Undefined sets the fault: it is answered under `tagOf`.
 */
export function parseCommandStart(cursor: Cursor): CommandStart | undefined {
  const tag = parseTag(cursor);
  if (tag === undefined || !expectSpace(cursor)) return undefined;
  let name = parseCommandName(cursor);
  if (name === 'UID') {
    if (!expectSpace(cursor)) return undefined;
    const second = parseCommandName(cursor);
    name = second === undefined ? undefined : `UID ${second}`;
  }
  return name === undefined ? undefined : { tag, name };
}

/** The tag to answer under where a command cannot be read: `*` where it has none. */
export function tagOf(bytes: Buffer, start: number, end: number): string {
  let to = start;
  while (to < end && (classes[bytes[to]!]! & classTag) !== 0) to++;
  const isTag = to > start && to - start <= tagBytesMax && (to === end || bytes[to] === space);
  return isTag ? bytes.toString('latin1', start, to) : '*';
}

/** Undefined where no tag stands. */
function parseTag(cursor: Cursor): string | undefined {
  const tag = takeRun(cursor, classTag);
  if (tag === '') return fail(cursor, 'A tag is missing');
  return tag.length > tagBytesMax ? fail(cursor, 'The tag is too long') : tag;
}

function parseCommandName(cursor: Cursor): string | undefined {
  const name = takeRun(cursor, classAtom);
  if (name === '') return fail(cursor, 'A command is missing');
  return name.length > nameBytesMax ? fail(cursor, 'Unknown command') : name.toUpperCase();
}
