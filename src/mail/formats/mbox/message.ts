/**
 * A message as it stands in an mbox, and as an account holds it: line ends, quoted From_ lines, fields with flags.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4155 (mbox); the fields Status, X-Status and X-Keywords as Dovecot, mutt and Pine write them.
 * Invariant: `fromMbox(toMbox(m))` is `m`: what an mbox cannot say of a message is said by a field of ours on top,
 *            `X-Chaski-Octets`, after which so many bytes stand as they are.
 */

import { Buffer } from 'node:buffer';
import { monthNames } from '../date/format.ts';
import { nameOf, rawField } from '../headers/fields.ts';
import { type HeaderScan, scanHeaders } from '../headers/scan.ts';
import { unfoldedValue } from '../headers/unfold.ts';
import { isWhollyCrlf, withCrlf, withLf } from '../line-ends.ts';

/** How lines that begin with `From ` are told from separators. */
export const quotings = ['mboxrd', 'mboxo', 'none'] as const;
export type Quoting = (typeof quotings)[number];

export interface FlaggedMessage {
  readonly bytes: Buffer;
  /** System flags with their backslash, then keywords. */
  readonly flags: readonly string[];
}

const ownField = 'X-Chaski-Octets';
const statusNames = new Set([
  'status',
  'x-status',
  'x-keywords',
  'x-uid',
  'x-imap',
  'x-imapbase',
  ownField.toLowerCase(),
]);
/** Letters of Status and X-Status. */
const letters: Readonly<Record<string, string>> = {
  R: '\\Seen',
  A: '\\Answered',
  F: '\\Flagged',
  D: '\\Deleted',
  T: '\\Draft',
};
const greaterThan = 0x3e;
const lineFeed = 0x0a;
const fromWord = Buffer.from('From ');
/** Pine and UW-imapd keep their notes in a first message nobody wrote. */
const folderNotes = /^Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r?$/m;

/** Undefined for what is no message of anybody. */
export function fromMbox(raw: Buffer, quoting: Quoting): FlaggedMessage | undefined {
  const text = unquoted(raw, quoting);
  const scan = scanHeaders(text);
  const flags = flagsOf(scan);
  const own = ownText(text, scan);
  if (own !== undefined) return { bytes: own, flags };
  if (folderNotes.test(text.toString('latin1', 0, Math.min(scan.headerEnd, 4_096)))) {
    return undefined;
  }
  return { bytes: withCrlf(withoutStatus(text, scan)), flags };
}

/** All of it but the From_ line: quoted as mboxrd, with an empty line at its end. */
export function toMbox({ bytes, flags }: FlaggedMessage): Buffer {
  const isPlain = isWhollyCrlf(bytes) && bytes.at(-1) === lineFeed && !isUnusual(bytes);
  const seen = flags.includes('\\Seen') ? 'RO' : 'O';
  const others = ['A', 'F', 'T', 'D'].filter((letter) => flags.includes(letters[letter]!));
  const keywords = flags.filter((flag) => !flag.startsWith('\\'));
  let head = `Status: ${seen}\nX-Status: ${others.join('')}\n`;
  if (keywords.length > 0) head += `X-Keywords: ${keywords.join(' ')}\n`;
  if (!isPlain) head += `${ownField}: ${bytes.length}\n`;
  const text = isPlain ? withLf(bytes) : bytes;
  const end = text.at(-1) === lineFeed ? '\n' : '\n\n';
  return Buffer.concat([Buffer.from(head, 'latin1'), quoted(text), Buffer.from(end)]);
}

/** `From MAILER-DAEMON Thu Nov 22 08:00:00 2026` and its line feed, in UTC. */
export function fromLine(internalMs: number): string {
  const date = new Date(internalMs);
  const two = (number: number) => String(number).padStart(2, '0');
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getUTCDay()]!;
  const month = monthNames[date.getUTCMonth()]!;
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `From MAILER-DAEMON ${weekday} ${month} ${day} ${time} ${date.getUTCFullYear()}\n`;
}

function flagsOf(scan: HeaderScan): string[] {
  const flags = new Set<string>();
  for (let field = 0; field < scan.count; field++) {
    const name = nameOf(scan, field).toLowerCase();
    if (name === 'status' || name === 'x-status') {
      for (const letter of unfoldedValue(scan, field)) {
        const flag = letters[letter];
        if (flag !== undefined) flags.add(flag);
      }
    } else if (name === 'x-keywords') {
      for (const keyword of unfoldedValue(scan, field).split(/[\s,]+/)) {
        if (keyword !== '') flags.add(keyword);
      }
    }
    // What is below our own field is the message's.
    if (name === ownField.toLowerCase()) break;
  }
  return [...flags];
}

/** The bytes our own field speaks of; undefined where there is none on top, or it is wrong. */
function ownText(text: Buffer, scan: HeaderScan): Buffer | undefined {
  let at = 0;
  for (let field = 0; field < scan.count; field++) {
    const name = nameOf(scan, field).toLowerCase();
    if (!statusNames.has(name)) return undefined;
    const end = text.indexOf(lineFeed, at) + 1;
    if (end === 0) return undefined;
    if (name !== ownField.toLowerCase()) {
      at = end;
      continue;
    }
    const octets = /^[^:]*:\s*(\d{1,12})\s*$/.exec(text.toString('latin1', at, end))?.[1];
    const bytes = text.subarray(end, end + Number(octets));
    // The line feed an mbox needs after a message that has none at its end.
    const isAll = text.length - end - bytes.length <= 1;
    return octets !== undefined && bytes.length === Number(octets) && isAll ? bytes : undefined;
  }
  return undefined;
}

function withoutStatus(text: Buffer, scan: HeaderScan): Buffer {
  const parts: Uint8Array[] = [];
  let isLess = false;
  for (let field = 0; field < scan.count; field++) {
    if (statusNames.has(nameOf(scan, field).toLowerCase())) isLess = true;
    else parts.push(rawField(scan, field));
  }
  if (!isLess) return text;
  return Buffer.concat([...parts, text.subarray(scan.headerEnd)]);
}

/** It has a field that import would take out, or starts with what would become part of ours. */
function isUnusual(bytes: Buffer): boolean {
  const scan = scanHeaders(bytes);
  if (scan.fault !== undefined) return true;
  if (bytes[0] === 0x20 || bytes[0] === 0x09) return true;
  for (let field = 0; field < scan.count; field++) {
    if (statusNames.has(nameOf(scan, field).toLowerCase())) return true;
  }
  return folderNotes.test(bytes.toString('latin1', 0, Math.min(scan.headerEnd, 4_096)));
}

function quoted(text: Buffer): Buffer {
  const places = fromLines(text);
  if (places.length === 0) return text;
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const place of places) {
    parts.push(text.subarray(at, place), Buffer.of(greaterThan));
    at = place;
  }
  parts.push(text.subarray(at));
  return Buffer.concat(parts);
}

function unquoted(text: Buffer, quoting: Quoting): Buffer {
  if (quoting === 'none') return text;
  // Of mboxo, a line with more than one ">" was written so by its author.
  const places = fromLines(text).filter(
    (place) =>
      text[place] === greaterThan && (quoting === 'mboxrd' || text[place + 1] !== greaterThan),
  );
  if (places.length === 0) return text;
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const place of places) {
    parts.push(text.subarray(at, place));
    at = place + 1;
  }
  parts.push(text.subarray(at));
  return Buffer.concat(parts);
}

/** Where lines start that are `From ` after any number of ">". */
function fromLines(text: Buffer): number[] {
  const places: number[] = [];
  for (let found = text.indexOf(fromWord); found >= 0; found = text.indexOf(fromWord, found + 1)) {
    let start = found;
    while (start > 0 && text[start - 1] === greaterThan) start--;
    if (start === 0 || text[start - 1] === lineFeed) places.push(start);
  }
  return places;
}
