/**
 * Writes a field whatever text is to stand in it.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5322 §2.1.1 (line lengths), §2.2.3 (folding), RFC 2047.
 * Invariant: ASCII, with its line break; no value ends the field.
 */

import { encodeWords, foldLines } from 'nodemailer/lib/mime-funcs';

/** RFC 2047 §2. */
const wordLengthMax = 75;
/** RFC 5322 §2.1.1 would have lines no longer than 78. */
const lineLength = 76;

export function encodedField(name: string, value: string): string {
  const line = value.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  const encoded = isFoldable(line) ? line : encodeWords(line, 'B', wordLengthMax, true);
  return `${foldLines(`${name}: ${encoded}`, lineLength)}\r\n`;
}

/** ASCII, in words that fit into a line. */
function isFoldable(line: string): boolean {
  return /^[\x20-\x7e]*$/.test(line) && !/[^ ]{900}/.test(line);
}
