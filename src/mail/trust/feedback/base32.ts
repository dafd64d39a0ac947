/**
 * Crockford's base32 in lower case: survives whoever folds the case of a local part.
 *
 * Runs in:   every thread; pure.
 * Invariant: a message id (`base/ids.ts`) is such a text of ten bytes.
 */

import { Buffer } from 'node:buffer';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

export function base32Text(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31]!;
    }
  }
  return bits === 0 ? text : text + alphabet[(value << (5 - bits)) & 31]!;
}

/** What is no such character counts as 0: who cares compares the text made of it again. */
export function base32Bytes(text: string): Buffer {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const character of text.toLowerCase()) {
    value = ((value << 5) | Math.max(0, alphabet.indexOf(character))) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (value >> bits) & 255;
  }
  return bytes;
}
