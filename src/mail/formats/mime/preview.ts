/**
 * The first words of a message, for lists.
 *
 * Runs in:   engine threads (once per stored message); pure.
 * Specs:     RFC 8970 §3 (PREVIEW: at most 256 characters, made from text parts).
 * Limits:    at most `plainBytesMax` or `htmlBytesMax` bytes of one part are looked at.
 * Invariant: one line of text without control characters; nothing in it is markup.
 */

import { Buffer } from 'node:buffer';
import { decodeCharset } from '../headers/charset.ts';
import { parameter } from '../headers/parameters.ts';
import { decodeTransfer } from './decode.ts';
import { htmlText } from './html-text.ts';
import type { Part } from './structure.ts';

/** RFC 8970 §3: characters are Unicode code points. */
const previewCharactersMax = 256;
const plainBytesMax = 4_096;
/** Style sheets and tables come before the words. */
const htmlBytesMax = 32_768;
const partsLookedAtMax = 20;

/** "" where no part has text. */
export function previewOf(bytes: Uint8Array, root: Part): string {
  for (const part of textParts(root)) {
    const text = asciiStart(bytes, part) ?? firstCharacters(partText(bytes, part));
    if (text !== '') return text;
  }
  return '';
}

/**
 * The preview of a plain, unencoded text that starts with ASCII, as most does: in one pass, the rest is not decoded
 * (12 µs → 1 µs). Undefined where the text must be decoded.
 */
function asciiStart(bytes: Uint8Array, part: Part): string | undefined {
  if (part.subtype !== 'plain' || !plainEncodings.has(part.encoding)) return undefined;
  const charset = (parameter(part.contentType.parameters, 'charset') ?? '').toLowerCase();
  if (!asciiCharsets.has(charset)) return undefined;
  const end = Math.min(part.bodyEnd, part.bodyStart + plainBytesMax);
  let length = 0;
  let isAfterBlank = true;
  for (let at = part.bodyStart; at < end && length < gathered.length; at++) {
    const byte = bytes[at]!;
    if (byte > 127) return undefined;
    const isBlank = byte <= 32 || byte === 127;
    if (!isBlank) gathered[length++] = byte;
    else if (!isAfterBlank) gathered[length++] = 32;
    isAfterBlank = isBlank;
  }
  return gathered.toString('latin1', 0, length).trimEnd();
}

/** One per thread: a preview in the making. */
const gathered = Buffer.alloc(previewCharactersMax);
const plainEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);
/** In which ASCII bytes are their characters, whatever stands around them. */
const asciiCharsets: ReadonlySet<string> = new Set(['', 'us-ascii', 'utf-8', 'iso-8859-1']);

/** The text of a part, as much as its first bytes give. HTML is stripped. */
export function partText(bytes: Uint8Array, part: Part, bytesMax = bytesMaxOf(part)): string {
  const end = Math.min(part.bodyEnd, part.bodyStart + bytesMax);
  const decoded = decodeTransfer(bytes.subarray(part.bodyStart, end), part.encoding);
  const charset = parameter(part.contentType.parameters, 'charset') ?? '';
  const text = decodeCharset(decoded, charset);
  return part.subtype === 'html' ? htmlText(text) : text;
}

function bytesMaxOf(part: Part): number {
  return part.subtype === 'html' ? htmlBytesMax : plainBytesMax;
}

/** Text parts that are not attachments: plain ones first, then HTML, each in order. */
function textParts(root: Part): readonly Part[] {
  const plain: Part[] = [];
  const html: Part[] = [];
  const waiting: Part[] = [root];
  while (waiting.length > 0 && plain.length + html.length < partsLookedAtMax) {
    const part = waiting.shift()!;
    if (part.type === 'multipart') waiting.unshift(...part.children);
    else if (part.type === 'text' && part.disposition?.value !== 'attachment') {
      if (part.subtype === 'html') html.push(part);
      else if (part.subtype === 'plain' || part.subtype === 'enriched') plain.push(part);
    } else if (part.message !== undefined && plain.length + html.length === 0) {
      waiting.push(part.message.root);
    }
  }
  return [...plain, ...html];
}

// Control, format and private characters, lone surrogates, and the spaces and joiners that fill newsletters' previews.
const invisible =
  /(?:[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Z}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5)+/gu;

const ascii = /^[\u0000-\u007f]*$/;
const asciiBlanks = /[\u0000-\u0020\u007f]+/g;
/** Of ordinary text this many are looked at; of text full of blanks all. */
const mostlyEnough = 512;

function firstCharacters(text: string): string {
  if (text.length > mostlyEnough) {
    const line = oneLine(text.slice(0, mostlyEnough));
    const end = previewEnd(line);
    // Only the last character may differ where a run was cut: all before it is as of the whole text.
    if (end < line.length) return line.slice(0, end).trimEnd();
  }
  const line = oneLine(text);
  return line.slice(0, previewEnd(line)).trimEnd();
}

function oneLine(text: string): string {
  // Most text is ASCII, for which the costly classes are not needed: 11 µs → 2 µs, bench/micro/headers.
  return ascii.test(text)
    ? text.replace(asciiBlanks, ' ').trimStart()
    : text.replace(invisible, keepJoined).trimStart();
}

function previewEnd(line: string): number {
  let end = 0;
  for (let count = 0; count < previewCharactersMax && end < line.length; count++) {
    end += line.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return end;
}

/** A run of format characters alone joins what is around it (emoji, Arabic); anything else is one space. */
function keepJoined(run: string): string {
  if (run === '\u200d' || run === '\u200c') return run;
  return /^\p{Cf}+$/u.test(run) ? '' : ' ';
}
