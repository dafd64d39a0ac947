/**
 * Field values as text, made only when somebody asks.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §2.2.3 (unfolding), RFC 6532 (UTF-8 in values).
 */

import { view } from '../../../base/bytes.ts';
import { decodeUnlabelled } from './charset.ts';
import type { HeaderScan } from './scan.ts';

/** The value unfolded and trimmed; encoded words are left as they are. */
export function unfoldedValue(scan: HeaderScan, field: number): string {
  return unfold(headerText(scan.bytes, scan.valueStart(field), scan.valueEnd(field)));
}

const folds = /\r?\n(?=[ \t])/g;
const strayBreaks = /[\r\n]+/g;

/** Removes folds, keeps their white space (RFC 5322 §2.2.3), and trims the ends. */
export function unfold(text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return text.trim();
  return text.replace(folds, '').replace(strayBreaks, ' ').trim();
}

/** Header bytes as text: ASCII as a rule, else UTF-8, else Windows-1252. */
export function headerText(bytes: Uint8Array, start: number, end: number): string {
  let at = start;
  while (at < end && bytes[at]! < 128) at++;
  const piece = view(bytes).subarray(start, end);
  return at === end ? piece.toString('latin1') : decodeUnlabelled(piece);
}
