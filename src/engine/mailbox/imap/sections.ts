/**
 * Where a section of a message stands in its bytes.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9051 §6.4.5.1 (section specifiers), §6.4.5 (partial fetch); RFC 3516 (BINARY).
 * Limits:    HEADER.FIELDS looks at the first `filteredBytesMax` of a header.
 */

import { Buffer } from 'node:buffer';
import type { PackedSection } from '../../../actors/asks/imap-asks.ts';
import { latin1 } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { mebibyte } from '../../../base/units.ts';
import { nameOf, rawField } from '../../../mail/formats/headers/fields.ts';
import { HeaderScan } from '../../../mail/formats/headers/scan.ts';
import { decodeTransfer } from '../../../mail/formats/mime/decode.ts';
import type { PartPlace } from '../../../mail/formats/mime/part-table.ts';
import type { SectionText } from '../../../mail/wire/imap/parse-section.ts';

const filteredBytesMax = mebibyte;

/** What is told is made of what stands there: whole, and cut afterwards. */
export interface SectionPlace {
  readonly from: number;
  readonly to: number;
  /** A header to be filtered. */
  readonly fields?: FieldFilter;
  /** A part to be decoded. */
  readonly encoded?: EncodedPart;
  /** Any octet may stand there: it is told as a literal8. */
  readonly isBinary?: boolean;
}

export interface EncodedPart {
  readonly encoding: string;
  readonly offset: number;
  readonly length: number;
}

export interface FieldFilter {
  /** In lower case. */
  readonly names: ReadonlySet<string>;
  readonly isNot: boolean;
  readonly offset: number;
  readonly length: number;
}

/** Undefined: the message has no such section, which is NIL. */
export function placeOfSection(
  parts: readonly PartPlace[],
  size: number,
  section: PackedSection,
): SectionPlace | undefined {
  const [, part, text, fields, offset, length] = section;
  if (text === 'BINARY' || text === 'BINARY.SIZE') return binaryPlace(parts, size, section);
  const whole = rangeOf(parts, size, part, text);
  if (whole === undefined) return undefined;
  if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') {
    const names = new Set(fields.map((name) => name.toLowerCase()));
    const to = Math.min(whole.to, whole.from + filteredBytesMax);
    const isNot = text === 'HEADER.FIELDS.NOT';
    return { from: whole.from, to, fields: { names, isNot, offset, length } };
  }
  return cutPlace(whole, offset, length);
}

const plainEncodings: ReadonlySet<string> = new Set(['', '7bit', '8bit', 'binary']);
const decodable: ReadonlySet<string> = new Set(['base64', 'quoted-printable']);

/** @throws MailError `message-invalid`: RFC 3516 §4.3, an encoding that is not known */
function binaryPlace(
  parts: readonly PartPlace[],
  size: number,
  [, part, text, , offset, length]: PackedSection,
): SectionPlace | undefined {
  const whole = rangeOf(parts, size, part, '');
  if (whole === undefined) return undefined;
  const encoding = parts.find((one) => one.section === part)?.encoding ?? '';
  // The message itself is not encoded, whatever the header of its only part says.
  if (part === '' || plainEncodings.has(encoding)) {
    const isBinary = encoding !== '7bit';
    return text === 'BINARY.SIZE' ? whole : { ...cutPlace(whole, offset, length), isBinary };
  }
  if (!decodable.has(encoding)) throw new MailError('message-invalid', `encoding ${encoding}`);
  return { ...whole, encoded: { encoding, offset, length } };
}

/** RFC 9051 §6.4.5: from past the end is the empty string. */
function cutPlace({ from, to }: SectionPlace, offset: number, length: number): SectionPlace {
  if (offset < 0) return { from, to };
  const start = Math.min(to, from + offset);
  return { from: start, to: Math.min(to, start + length) };
}

/** What is told of the octets of a whole place. */
export function madeOf(octets: Uint8Array, { fields, encoded }: SectionPlace): Uint8Array {
  if (fields !== undefined) return filterFields(octets, fields);
  if (encoded === undefined) return octets;
  const decoded = decodeTransfer(octets, encoded.encoding);
  const { offset, length } = encoded;
  return offset < 0 ? decoded : decoded.subarray(offset, offset + length);
}

function rangeOf(
  parts: readonly PartPlace[],
  size: number,
  section: string,
  text: SectionText,
): SectionPlace | undefined {
  if (section === '' && text === '') return { from: 0, to: size };
  const part = parts.find((one) => one.section === section);
  if (part === undefined) return undefined;
  const { headerStart, bodyStart, bodyEnd, textStart } = part;
  if (text === '') return { from: bodyStart, to: bodyEnd };
  if (text === 'MIME') {
    return section === '' ? undefined : { from: headerStart, to: bodyStart };
  }
  // The message itself; of its parts, only an enclosed message has a header and a text.
  if (section === '') {
    return text === 'TEXT' ? { from: bodyStart, to: size } : { from: headerStart, to: bodyStart };
  }
  if (textStart < 0) return undefined;
  return text === 'TEXT' ? { from: textStart, to: bodyEnd } : { from: bodyStart, to: textStart };
}

const lineEnd = latin1('\r\n');
const scan = new HeaderScan();
const limits = {
  headerBytesMax: filteredBytesMax,
  fieldsMax: 20_000,
  lineBytesMax: filteredBytesMax,
};

/** The fields wanted, each as it stands, and the empty line that ends a header. */
function filterFields(header: Uint8Array, filter: FieldFilter): Buffer {
  scan.scan(header, limits);
  const kept: Uint8Array[] = [];
  for (let field = 0; field < scan.count; field++) {
    const isNamed = filter.names.has(nameOf(scan, field).toLowerCase());
    if (isNamed !== filter.isNot) kept.push(rawField(scan, field));
  }
  kept.push(lineEnd);
  const all = Buffer.concat(kept);
  if (filter.offset < 0) return all;
  return all.subarray(filter.offset, filter.offset + filter.length);
}

/** RFC 9051 §9: a literal has no NUL. The message keeps its own; what is shown has 0x80 there, as elsewhere. */
export function withoutNul(octets: Uint8Array): Uint8Array {
  if (!octets.includes(0)) return octets;
  return octets.map((byte) => (byte === 0 ? 0x80 : byte));
}
