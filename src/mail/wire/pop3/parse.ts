/**
 * Command lines: a keyword, and its arguments after single spaces.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 1939 §3, §5-7; RFC 2449 §4; RFC 5034 §4 (AUTH); RFC 6856 §2 (UTF-8 in names and passwords).
 */

import type { Buffer } from 'node:buffer';

export interface CommandLine {
  /** In upper case. */
  readonly verb: string;
  /** What stands behind the space that follows the verb; "" where nothing does. */
  readonly rest: string;
}

/** A line without its CRLF. Octets that are no UTF-8 become U+FFFD, which no name and no password has. */
export function parseLine(octets: Buffer, from: number, to: number): CommandLine {
  const line = octets.toString('utf8', from, to);
  const space = line.indexOf(' ');
  if (space < 0) return { verb: line.toUpperCase(), rest: '' };
  return { verb: line.slice(0, space).toUpperCase(), rest: line.slice(space + 1) };
}

/** Commands without arguments; spaces at the end are forgiven. */
export function parseNothing(rest: string): true | undefined {
  return rest.trim() === '' ? true : undefined;
}

/** RFC 1939 §3: message numbers are decimal, from 1. */
export function parseNumber(rest: string): number | undefined {
  const text = rest.trimEnd();
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number > 0 ? number : undefined;
}

/** LIST and UIDL: 0 is all messages. */
export function parseNumberOrAll(rest: string): number | undefined {
  return rest.trim() === '' ? 0 : parseNumber(rest);
}

export interface TopArguments {
  readonly number: number;
  readonly lines: number;
}

export function parseTop(rest: string): TopArguments | undefined {
  const [first = '', second = '', ...more] = rest.trimEnd().split(' ');
  const number = parseNumber(first);
  if (number === undefined || !/^\d{1,10}$/.test(second) || more.length > 0) return undefined;
  return { number, lines: Number(second) };
}

/** USER. Controls in a name serve nobody but those who forge log lines. */
export function parseName(rest: string): string | undefined {
  const name = rest.trim();
  return name === '' || hasControls(name) ? undefined : name;
}

/** PASS: RFC 1939 §7: spaces are part of it. */
export function parsePassword(rest: string): string | undefined {
  return rest === '' || rest.includes('\0') ? undefined : rest;
}

export interface AuthArguments {
  /** In upper case; "" asks for the list. */
  readonly mechanism: string;
  /** Base64 as given, or undefined. */
  readonly initial: string | undefined;
}

/** RFC 5034 §4: `AUTH mechanism [initial-response]`. Alone it is older, and asks which mechanisms there are. */
export function parseAuth(rest: string): AuthArguments | undefined {
  const [mechanism = '', initial, ...more] = rest.trimEnd().split(' ');
  if (more.length > 0 || hasControls(mechanism)) return undefined;
  return { mechanism: mechanism.toUpperCase(), initial };
}

function hasControls(text: string): boolean {
  return /[\x00-\x1f\x7f]/.test(text);
}
