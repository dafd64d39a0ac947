/**
 * A message that a program writes in somebody's name: an answer while they are away, word of mail that came.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5322, RFC 3834 §3.1 and §5 (Auto-Submitted, In-Reply-To, References), RFC 2045 and RFC 2047.
 * Invariant: all of it is ASCII but for addresses that are not, in lines that SMTP can carry; no text given ends a line
 *            of the header.
 */

import { Buffer } from 'node:buffer';
import { formatDate } from '../date/format.ts';
import { encodedField } from '../headers/encode.ts';

export interface AutomaticMessage {
  readonly from: string;
  readonly to: readonly string[];
  readonly cc?: readonly string[];
  readonly subject: string;
  readonly kind: 'auto-replied' | 'auto-notified';
  /** Message-ID of what it follows from, in angle brackets; "": that has none. */
  readonly about: string;
  /** References of what it answers, as they stand there. */
  readonly references?: string;
  /** More fields, after the others. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly text: string;
  /** `text` is a MIME part with its header (RFC 5230 §4.3). */
  readonly isMime?: boolean;
  readonly nowMs: number;
  /** The part of Message-ID before the @, and behind it. */
  readonly id: string;
  readonly domain: string;
}

export function writeAutomatic(message: AutomaticMessage): Buffer {
  const { from, to, cc = [], subject, kind, about, references = '', nowMs, id, domain } = message;
  const fields: (readonly [string, string])[] = [
    ['Subject', subject],
    ['Message-ID', `<${id}@${domain}>`],
    ...(about === '' ? [] : [['In-Reply-To', about] as const]),
    ...(about === '' ? [] : [['References', `${references} ${about}`.trim()] as const]),
    ['Auto-Submitted', kind],
    ...(message.fields ?? []),
    ['MIME-Version', '1.0'],
  ];
  const header = [
    `Date: ${formatDate(nowMs)}\r\n`,
    addressField('From', [from]),
    addressField('To', to),
    cc.length === 0 ? '' : addressField('Cc', cc),
    ...fields.map(([name, value]) => encodedField(name, value)),
  ];
  const part = message.isMime === true ? mimePart(message.text) : textPart(message.text);
  return Buffer.from(header.join('') + part, 'utf8');
}

/** RFC 6532 §3.2: an address that is not ASCII stands in UTF-8. */
function addressField(name: string, addresses: readonly string[]): string {
  const list = addresses.map((address) => `<${address.replace(/[\u0000-\u001f\u007f]/g, '?')}>`);
  return `${name}: ${list.join(',\r\n ')}\r\n`;
}

function textPart(text: string): string {
  const lines = linesOf(text);
  const isPlain = isSevenBit(lines);
  const encoding = isPlain ? '7bit' : 'base64';
  return [
    'Content-Type: text/plain; charset=utf-8',
    `Content-Transfer-Encoding: ${encoding}`,
    '',
    isPlain ? lines : inBase64(lines),
  ].join('\r\n');
}

/** RFC 5230 §4.3: header and body as given; what is not ASCII there has no encoding of its own. */
function mimePart(given: string): string {
  const lines = linesOf(given);
  const end = lines.startsWith('\r\n') ? 0 : lines.indexOf('\r\n\r\n');
  const header = end < 0 ? lines : lines.slice(0, end);
  const body = end < 0 ? '' : lines.slice(end === 0 ? 2 : end + 4);
  const names = /^(?:content-[!-9;-~]+):/i;
  const fields = header
    .split(/\r\n(?![ \t])/)
    .filter((field) => names.test(field) && isSevenBit(field));
  if (isSevenBit(body)) return [...fields, '', body].join('\r\n');
  const type = fields.find((field) => /^content-type:/i.test(field));
  // Parts of their own have to say how they are encoded: they go as they are.
  const isLeaf = type === undefined || !/^content-type:\s*(?:multipart|message)\//i.test(type);
  const others = fields.filter((field) => !/^content-transfer-encoding:/i.test(field));
  if (!isLeaf || others.length < fields.length) {
    return [...fields, '', body].join('\r\n');
  }
  return [...others, 'Content-Transfer-Encoding: base64', '', inBase64(body)].join('\r\n');
}

function linesOf(text: string): string {
  const lines = text.replace(/\r\n?|\n/g, '\r\n').replaceAll('\0', '');
  return lines.endsWith('\r\n') || lines === '' ? lines : `${lines}\r\n`;
}

function isSevenBit(text: string): boolean {
  return /^[\x01-\x7f]*$/.test(text) && !/[^\r\n]{990}/.test(text);
}

function inBase64(text: string): string {
  const encoded = Buffer.from(text, 'utf8').toString('base64');
  return `${(encoded.match(/.{1,76}/g) ?? []).join('\r\n')}\r\n`;
}
