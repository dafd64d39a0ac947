/**
 * Strings and lists as IMAP writes them.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 3501 §4.3 and RFC 9051 §4.3 (quoted strings and literals).
 * Invariant: the text made here is valid for every client: 8-bit and long strings travel as literals, NUL never.
 */

import { Buffer } from 'node:buffer';

/** Longer strings go as literals: clients may bound the length of a line. */
const quotedLengthMax = 1_000;

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const quotable = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;
const escaped = /["\\]/g;
const nul = /\0/g;

export function imapString(text: string): string {
  if (text.length <= quotedLengthMax) {
    if (plain.test(text)) return `"${text}"`;
    if (quotable.test(text)) return `"${text.replace(escaped, '\\$&')}"`;
  }
  const literal = text.replace(nul, '').toWellFormed();
  return `{${Buffer.byteLength(literal, 'utf8')}}\r\n${literal}`;
}

export function imapNstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : imapString(text);
}
