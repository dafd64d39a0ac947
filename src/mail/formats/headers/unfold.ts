/**
 * Field values as text, made only when somebody asks.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §2.2.3 (unfolding), RFC 6532 (UTF-8 in values).
 */

import { view } from '../../../base/bytes.ts';
import type { HeaderScan } from './scan.ts';

/** The value unfolded and trimmed. Bytes that are not UTF-8 are read as Windows-1252, as old mailers meant them. */
export function unfoldedValue(scan: HeaderScan, field: number): string {
  return unfold(decodeText(scan.bytes, scan.valueStart(field), scan.valueEnd(field)));
}

const folds = /\r?\n(?=[ \t])/g;
const strayBreaks = /[\r\n]+/g;

/** Removes folds, keeps their white space (RFC 5322 §2.2.3), and trims the ends. */
export function unfold(text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return text.trim();
  return text.replace(folds, '').replace(strayBreaks, ' ').trim();
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const windows1252 = new TextDecoder('windows-1252');

export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  let at = start;
  while (at < end && bytes[at]! < 128) at++;
  const piece = view(bytes).subarray(start, end);
  if (at === end) return piece.toString('latin1');
  try {
    return strictUtf8.decode(piece);
  } catch {
    return windows1252.decode(piece);
  }
}
