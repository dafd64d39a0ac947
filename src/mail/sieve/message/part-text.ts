/**
 * Bodies of parts as text.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     RFC 5173 §5 (body transforms), RFC 5703 §7 (extracttext).
 * Limits:    `runLimits.bodyBytesMax` octets of a part.
 */

import { decodeCharset, decodeUnlabelled } from '../../formats/headers/charset.ts';
import { parameter } from '../../formats/headers/parameters.ts';
import { decodeTransfer } from '../../formats/mime/decode.ts';
import { htmlText } from '../../formats/mime/html-text.ts';
import type { Part } from '../../formats/mime/structure.ts';
import { runLimits } from '../limits.ts';
import type { SieveMessage } from './message.ts';

/** RFC 5173 §4: without an empty line behind the header there is no body, and nothing of it matches. */
export function hasBody({ root, bytes }: SieveMessage): boolean {
  const { bodyStart } = root;
  return bytes[bodyStart - 1] === lineFeed && isEmptyLineBefore(bytes, bodyStart);
}

const lineFeed = 10;
const carriageReturn = 13;

function isEmptyLineBefore(bytes: Uint8Array, end: number): boolean {
  const start = bytes[end - 2] === carriageReturn ? end - 2 : end - 1;
  return start === 0 || bytes[start - 1] === lineFeed;
}

/** RFC 5173 §5.1: as it stands on the wire. */
export function rawBody({ bytes, root }: SieveMessage): string {
  return decodeUnlabelled(bytes.subarray(root.bodyStart, root.bodyStart + runLimits.bodyBytesMax));
}

/** Decoded; text of another charset as text, HTML as it is written. */
function decodedText({ bytes }: SieveMessage, part: Part): string {
  const end = Math.min(part.bodyEnd, part.bodyStart + runLimits.bodyBytesMax);
  const decoded = decodeTransfer(bytes.subarray(part.bodyStart, end), part.encoding);
  if (part.type !== 'text') return decodeUnlabelled(decoded);
  return decodeCharset(decoded, parameter(part.contentType.parameters, 'charset') ?? '');
}

/** RFC 5173 §5.3: what a reader sees of the message's texts. HTML is stripped. */
export function readableTexts(message: SieveMessage): readonly string[] {
  return message.parts
    .filter((part) => part.type === 'text' || isHtml(part))
    .map((part) => readableText(message, part));
}

function isHtml({ type, subtype }: Part): boolean {
  return subtype === 'html' || (type === 'application' && subtype === 'xhtml+xml');
}

export function readableText(message: SieveMessage, part: Part): string {
  const text = decodedText(message, part);
  return isHtml(part) ? htmlText(text).trim() : text;
}

/** RFC 5173 §5.2: of what is no leaf, the texts around its parts (multipart) or the header within (message). */
export function contentTexts(message: SieveMessage, part: Part): readonly string[] {
  const { bytes } = message;
  if (part.message !== undefined) {
    const { headerStart, headerEnd } = part.message.header;
    return [decodeUnlabelled(bytes.subarray(headerStart, headerEnd))];
  }
  const [first] = part.children;
  const last = part.children.at(-1);
  if (first === undefined || last === undefined) return [decodedText(message, part)];
  const prologue = decodeUnlabelled(bytes.subarray(part.bodyStart, first.headerStart));
  const epilogue = decodeUnlabelled(bytes.subarray(last.bodyEnd, part.bodyEnd));
  // The boundary belongs to neither.
  return [
    prologue.replace(/(?:^|\r?\n)--[^\n]*\r?\n$/, ''),
    epilogue.replace(/^\r?\n--[^\n]*(?:\n|$)/, ''),
  ];
}

/** Whether RFC 5173 §5.2 means this part by a content type of a script: "text", "text/html", or "" for all. */
export function hasContentType(part: Part, wanted: string): boolean {
  const type = wanted.trim().toLowerCase();
  if (type === '') return true;
  // RFC 5173 §5.2: slashes at an end, and more than one, match nothing.
  if (!type.includes('/')) return part.type === type;
  return `${part.type}/${part.subtype}` === type;
}
