/**
 * Reads what stands in the brackets of BODY[…] and BINARY[…], and the partial behind them.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.4.5.1, §9 (section, partial); RFC 3516 (section-binary).
 * Limits:    `partDepthMax` numbers of a part.
 */

import { type Cursor, fail } from './cursor.ts';
import { nestingDepthMax } from './limits.ts';
import { bracketClose, bracketOpen, dot, greaterThan, isDigit, lessThan } from './octets.ts';
import {
  expectOctet,
  expectSpace,
  parseAstring,
  parseList,
  parseName,
  parseNumber64,
  parseNzNumber,
  takeOctet,
} from './parse-strings.ts';

/** Each level of a message may be an enclosed message in a multipart. */
const partDepthMax = nestingDepthMax * 2;

const sectionTexts = ['', 'HEADER', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT', 'TEXT', 'MIME'] as const;
export type SectionText = (typeof sectionTexts)[number];

export interface Section {
  /** `1.2`; "" is the whole message. */
  readonly part: string;
  readonly text: SectionText;
  /** Of HEADER.FIELDS, in upper case. */
  readonly fields: readonly string[];
}

export interface Partial {
  readonly offset: number;
  readonly length: number;
}

const noFields: readonly string[] = [];
export const wholeMessage: Section = { part: '', text: '', fields: noFields };

/** With its brackets. */
export function parseSection(cursor: Cursor): Section | undefined {
  if (!expectOctet(cursor, bracketOpen, 'A section is missing')) return undefined;
  if (takeOctet(cursor, bracketClose)) return wholeMessage;
  const part = isDigit(cursor.peek()) ? parsePart(cursor) : '';
  if (part === undefined) return undefined;
  let text: SectionText = '';
  if (part === '' || takeOctet(cursor, dot)) {
    const known = parseSectionText(cursor, part !== '');
    if (known === undefined) return undefined;
    text = known;
  }
  let fields = noFields;
  if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') {
    const list = expectSpace(cursor) ? parseList(cursor, parseFieldName) : undefined;
    if (list === undefined) return undefined;
    fields = list;
  }
  if (!expectOctet(cursor, bracketClose, 'A section has no closing bracket')) return undefined;
  return { part, text, fields };
}

/** BINARY[…]: parts alone. Answers the part; "" is the message. */
export function parseBinarySection(cursor: Cursor): string | undefined {
  if (!expectOctet(cursor, bracketOpen, 'A section is missing')) return undefined;
  const part = isDigit(cursor.peek()) ? parsePart(cursor) : '';
  if (part === undefined) return undefined;
  return expectOctet(cursor, bracketClose, 'A section has no closing bracket') ? part : undefined;
}

/** Stops before a dot that no digit follows. */
function parsePart(cursor: Cursor): string | undefined {
  const from = cursor.at;
  for (let depth = 1; depth <= partDepthMax; depth++) {
    const start = cursor.at;
    if (parseNzNumber(cursor) < 0) return undefined;
    if (cursor.bytes[start] === 0x30) return fail(cursor, 'A part number begins with zero');
    const isMore = cursor.peek() === dot && isDigit(cursor.peekSecond());
    if (!isMore) return cursor.bytes.toString('latin1', from, cursor.at);
    cursor.at++;
  }
  return fail(cursor, 'A section is nested too deep');
}

function parseSectionText(cursor: Cursor, isOfPart: boolean): SectionText | undefined {
  const name = parseName(cursor, 'A section text');
  if (name === undefined) return undefined;
  const text = sectionTexts.find((known) => known === name);
  // RFC 9051 §9: section-msgtext stands alone, MIME only behind a part.
  if (text === undefined || (text === 'MIME' && !isOfPart)) return fail(cursor, 'Unknown section');
  return text;
}

/** RFC 5322 §3.6.8: printable, no colon; what no field is called is simply not found. */
function parseFieldName(cursor: Cursor): string | undefined {
  return parseAstring(cursor)?.toUpperCase();
}

/** `<0.1024>`; null where none stands. */
export function parsePartial(cursor: Cursor): Partial | null | undefined {
  if (!takeOctet(cursor, lessThan)) return null;
  const offset = parseNumber64(cursor);
  if (offset < 0 || !expectOctet(cursor, dot, 'A partial is not as <0.1024>')) return undefined;
  const length = parseNumber64(cursor);
  if (length < 0) return undefined;
  if (length === 0) return fail(cursor, 'A partial asks for nothing');
  if (!expectOctet(cursor, greaterThan, 'A partial has no end')) return undefined;
  return { offset, length };
}

/** As it stands before the octets in a response, without the partial: `[1.HEADER.FIELDS (FROM TO)]`. */
export function sectionLabel(section: Section): string {
  const joint = section.part !== '' && section.text !== '' ? '.' : '';
  const fields =
    section.fields.length === 0 ? '' : ` (${section.fields.map(fieldLabel).join(' ')})`;
  return `[${section.part}${joint}${section.text}${fields}]`;
}

/** A field's name that is no atom is quoted; octets no quoted string may have become `?`. */
function fieldLabel(field: string): string {
  if (/^[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/.test(field)) return field;
  return `"${field.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
