/**
 * Writes what a ManageSieve server says.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5804 §1.3 (response codes), §4.
 * Invariant: no text given ends a response: what a quoted string cannot hold is a literal.
 */

import { Buffer } from 'node:buffer';

const quotedBytesMax = 1_024;
const space = Buffer.from(' ');
const crlf = Buffer.from('\r\n');

/** A string as octets. */
export function stringOf(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  const isQuotable = octets.length <= quotedBytesMax && !octets.some(needsLiteral);
  if (!isQuotable) return Buffer.concat([Buffer.from(`{${octets.length}}\r\n`), octets]);
  const quoted = text.replace(/["\\]/g, '\\$&');
  return Buffer.from(`"${quoted}"`, 'utf8');
}

function needsLiteral(octet: number): boolean {
  return octet === 0 || octet === 10 || octet === 13;
}

export type Status = 'OK' | 'NO' | 'BYE';

export interface Response {
  readonly status: Status;
  /** Without its parentheses, as `QUOTA/MAXSIZE`. */
  readonly code?: string;
  readonly words?: string;
}

export function responseLine({ status, code, words }: Response): Buffer {
  const head = Buffer.from(code === undefined ? status : `${status} (${code})`, 'utf8');
  const said = words === undefined ? [] : [space, stringOf(words)];
  return Buffer.concat([head, ...said, crlf]);
}

/** A line of strings. */
export function stringsLine(...texts: readonly string[]): Buffer {
  const parts = texts.flatMap((text, i) => (i === 0 ? [stringOf(text)] : [space, stringOf(text)]));
  return Buffer.concat([...parts, crlf]);
}
