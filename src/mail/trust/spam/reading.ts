/**
 * Reads a message as a reader would see it, once, for the rules and for the classifier.
 *
 * Runs in:   engine threads and jobs; pure.
 * Limits:    `readingLimits`: what lies beyond is not looked at, and `isCut` says so.
 * Invariant: never throws, whatever the bytes; linear time in what is looked at.
 */

import { type Mailbox, mailboxesOf, parseAddressList } from '../../formats/address/parse.ts';
import { decodeCharset } from '../../formats/headers/charset.ts';
import { nameOf } from '../../formats/headers/fields.ts';
import { parameter } from '../../formats/headers/parameters.ts';
import type { HeaderScan } from '../../formats/headers/scan.ts';
import { headerText, unfold } from '../../formats/headers/unfold.ts';
import { decodeWords } from '../../formats/headers/words.ts';
import { decodeTransfer } from '../../formats/mime/decode.ts';
import { htmlText } from '../../formats/mime/html-text.ts';
import { allParts } from '../../formats/mime/parts.ts';
import { type Part, scanStructure } from '../../formats/mime/structure.ts';
import { type Url, urlsIn, urlsMax } from './hosts.ts';

export const readingLimits = {
  bytesMax: 1_048_576,
  fieldsMax: 200,
  fieldBytesMax: 2_048,
  textPartsMax: 20,
  /** Of one part, as it is encoded. */
  partBytesMax: 65_536,
  /** Of all parts together, decoded. */
  textCharactersMax: 131_072,
} as const;

export interface Field {
  /** In lower case. */
  readonly name: string;
  /** Unfolded, encoded words decoded. */
  readonly value: string;
  /** Encoded words as they came. */
  readonly raw: string;
}

export interface Reading {
  readonly fields: readonly Field[];
  readonly subject: string;
  /** The first author; undefined where there is none to be read. */
  readonly from: Mailbox | undefined;
  readonly replyTo: Mailbox | undefined;
  /** As it came, but for `Cf` characters. */
  readonly text: string;
  /** Source of HTML parts. */
  readonly html: string;
  readonly parts: readonly Part[];
  readonly urls: readonly Url[];
  /** Characters nobody sees, taken out of the text. */
  readonly invisibleCount: number;
  readonly bytes: number;
  readonly isCut: boolean;
}

export function readForSpam(message: Uint8Array): Reading {
  const { bytesMax } = readingLimits;
  const bytes = message.subarray(0, bytesMax);
  const limits = { nestingMax: 20, partsMax: 200, missesMax: 10_000 };
  const { header, root, isTruncated } = scanStructure(bytes, limits);
  const fields = readFields(header);
  const parts = allParts(root);
  const { text: written, html, isCut } = readTexts(bytes, parts);
  const text = written.replace(invisible, '');
  const urls = [...urlsIn(html)];
  urls.push(...urlsIn(text, urlsMax - urls.length));
  return {
    fields,
    subject: (fieldValue(fields, 'subject') ?? '').replace(invisible, ''),
    from: firstMailbox(fields, 'from'),
    replyTo: firstMailbox(fields, 'reply-to'),
    text,
    html,
    parts,
    urls,
    invisibleCount: written.length - text.length,
    bytes: message.length,
    isCut: isCut || isTruncated || message.length > bytesMax,
  };
}

/** Zero-width characters, joiners, soft hyphens, direction marks: what splits words for programs only. */
const invisible =
  /\u034f|[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u3164]|\u17b4|\u17b5/g;

/** The first of that name. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  return fields.find((field) => field.name === name)?.value;
}

function readFields(scan: HeaderScan): readonly Field[] {
  const fields: Field[] = [];
  const count = Math.min(scan.count, readingLimits.fieldsMax);
  for (let field = 0; field < count; field++) {
    const name = nameOf(scan, field).toLowerCase().slice(0, 100);
    if (name === '') continue;
    const start = scan.valueStart(field);
    const end = Math.min(scan.valueEnd(field), start + readingLimits.fieldBytesMax);
    const raw = unfold(headerText(scan.bytes, start, end));
    fields.push({ name, raw, value: raw.includes('=?') ? decodeWords(raw) : raw });
  }
  return fields;
}

function firstMailbox(fields: readonly Field[], name: string): Mailbox | undefined {
  const raw = fields.find((field) => field.name === name)?.raw;
  if (raw === undefined) return undefined;
  const [mailbox] = mailboxesOf(parseAddressList(raw));
  return mailbox === undefined ? undefined : { ...mailbox, name: decodeWords(mailbox.name) };
}

function readTexts(
  bytes: Uint8Array,
  parts: readonly Part[],
): { readonly text: string; readonly html: string; readonly isCut: boolean } {
  const { partBytesMax, textCharactersMax, textPartsMax } = readingLimits;
  let text = '';
  let html = '';
  let isCut = false;
  let count = 0;
  for (const part of parts) {
    if (part.type !== 'text') continue;
    const room = textCharactersMax - text.length - html.length;
    if (++count > textPartsMax || room <= 0) return { text, html, isCut: true };
    const end = Math.min(part.bodyEnd, part.bodyStart + partBytesMax);
    if (end < part.bodyEnd) isCut = true;
    const decoded = decodeTransfer(bytes.subarray(part.bodyStart, end), part.encoding);
    const charset = parameter(part.contentType.parameters, 'charset') ?? '';
    const source = decodeCharset(decoded, charset).slice(0, room);
    if (part.subtype !== 'html') text += `${source}\n`;
    else {
      html += `${source}\n`;
      text += `${htmlText(source)}\n`;
    }
  }
  return { text, html, isCut };
}
