/**
 * Reads an ENVELOPE as it was written, to search in it.
 *
 * Runs in:   engine threads; pure; hot: once per message of a search by Subject, From or To.
 * Specs:     RFC 9051 §7.5.2 (envelope), §6.4.4 (FROM, TO, CC, BCC, SUBJECT look into it).
 * Invariant: reads what `envelope.ts` writes; encoded words are decoded.
 */

import { Buffer } from 'node:buffer';
import { decodeWords } from '../headers/words.ts';

/** Places in an envelope. */
export const envelopePlaces = {
  DATE: 0,
  SUBJECT: 1,
  FROM: 2,
  TO: 5,
  CC: 6,
  BCC: 7,
  'IN-REPLY-TO': 8,
  'MESSAGE-ID': 9,
} as const;

export type EnvelopePlace = (typeof envelopePlaces)[keyof typeof envelopePlaces];

const parenOpen = 40;
const parenClose = 41;
const quote = 34;
const backslash = 92;
const braceOpen = 123;
const space = 32;

/** `latin1`: the envelope's octets, a character each. Undefined: the message has no such field. */
export function envelopeField(latin1: string, place: EnvelopePlace): string | undefined {
  let at = 1;
  for (let i = 0; i < place; i++) at = afterItem(latin1, at) + 1;
  const first = latin1.charCodeAt(at);
  if (first === parenOpen) return addressesAt(latin1, at);
  return isNil(latin1, at) ? undefined : decoded(stringAt(latin1, at));
}

function isNil(latin1: string, at: number): boolean {
  const first = latin1.charCodeAt(at);
  return first !== quote && first !== braceOpen;
}

function afterItem(latin1: string, start: number): number {
  let at = start;
  let depth = 0;
  do {
    const code = latin1.charCodeAt(at);
    if (code === parenOpen) {
      depth++;
      at++;
    } else if (code === parenClose) {
      depth--;
      at++;
    } else if (code === quote || code === braceOpen) at = afterString(latin1, at);
    else if (code === space) at++;
    else at += 3;
  } while (depth > 0);
  return at;
}

function afterString(latin1: string, start: number): number {
  if (latin1.charCodeAt(start) === braceOpen) {
    const end = latin1.indexOf('}', start);
    return end + 3 + Number(latin1.slice(start + 1, end));
  }
  let at = start + 1;
  for (; latin1.charCodeAt(at) !== quote; at++) if (latin1.charCodeAt(at) === backslash) at++;
  return at + 1;
}

const escaped = /\\(["\\])/g;

/** As octets. */
function stringAt(latin1: string, start: number): string {
  const end = afterString(latin1, start);
  if (latin1.charCodeAt(start) === braceOpen) {
    return latin1.slice(latin1.indexOf('}', start) + 3, end);
  }
  const text = latin1.slice(start + 1, end - 1);
  return text.includes('\\') ? text.replace(escaped, '$1') : text;
}

const highOctet = /[\u0080-\u00ff]/;

function decoded(octets: string): string {
  const text = highOctet.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
  return decodeWords(text);
}

/** As a header would show them: `Name <local@host>, local@host`. */
function addressesAt(latin1: string, start: number): string {
  const addresses: string[] = [];
  let at = start + 1;
  while (latin1.charCodeAt(at) === parenOpen) {
    const parts: (string | undefined)[] = [];
    at++;
    for (let i = 0; i < 4; i++) {
      const isThere = !isNil(latin1, at);
      parts.push(isThere ? decoded(stringAt(latin1, at)) : undefined);
      at = (isThere ? afterString(latin1, at) : at + 3) + 1;
    }
    const [name, , local, host] = parts;
    if (host !== undefined) {
      const address = `${local ?? ''}@${host}`;
      addresses.push(name === undefined ? address : `${name} <${address}>`);
    } else if (local !== undefined) addresses.push(`${local}:`);
  }
  return addresses.join(', ');
}
