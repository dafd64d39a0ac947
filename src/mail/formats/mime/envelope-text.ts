/**
 * Reads an ENVELOPE as it was written, to search in it.
 *
 * Runs in:   engine threads; pure; hot: once per message of a search by Subject, From or To.
 * Specs:     RFC 9051 §7.5.2 (envelope), §6.4.4 (FROM, TO, CC, BCC, SUBJECT look into it).
 * Invariant: reads what `envelope.ts` writes; encoded words are decoded.
 */

import type { Buffer } from 'node:buffer';
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

const addressPlaces: ReadonlySet<EnvelopePlace> = new Set([
  envelopePlaces.FROM,
  envelopePlaces.TO,
  envelopePlaces.CC,
  envelopePlaces.BCC,
]);

export function isAddressPlace(place: EnvelopePlace): boolean {
  return addressPlaces.has(place);
}

const parenOpen = 40;
const parenClose = 41;
const quote = 34;
const backslash = 92;
const braceOpen = 123;
const braceClose = 125;
const space = 32;
const zero = 48;

/** Undefined: the message has no such field. */
export function envelopeField(envelope: Buffer, place: EnvelopePlace): string | undefined {
  let at = 1;
  for (let i = 0; i < place; i++) at = afterItem(envelope, at) + 1;
  const first = envelope[at];
  if (first === parenOpen) return addressesAt(envelope, at);
  return isNil(envelope, at) ? undefined : stringAt(envelope, at);
}

export function isNil(envelope: Buffer, at: number): boolean {
  const first = envelope[at];
  return first !== quote && first !== braceOpen;
}

export function afterItem(envelope: Buffer, start: number): number {
  let at = start;
  let depth = 0;
  do {
    const octet = envelope[at];
    if (octet === parenOpen) {
      depth++;
      at++;
    } else if (octet === parenClose) {
      depth--;
      at++;
    } else if (octet === quote || octet === braceOpen) at = afterString(envelope, at);
    else if (octet === space) at++;
    else at += 3;
  } while (depth > 0);
  return at;
}

function afterString(envelope: Buffer, start: number): number {
  if (envelope[start] === braceOpen)
    return literalAt(envelope, start) + literalBytes(envelope, start);
  let at = start + 1;
  for (; envelope[at] !== quote; at++) if (envelope[at] === backslash) at++;
  return at + 1;
}

function literalBytes(envelope: Buffer, start: number): number {
  let bytes = 0;
  for (let at = start + 1; envelope[at] !== braceClose; at++)
    bytes = bytes * 10 + envelope[at]! - zero;
  return bytes;
}

/** Where its octets begin. */
function literalAt(envelope: Buffer, start: number): number {
  return envelope.indexOf(braceClose, start) + 3;
}

const escaped = /\\(["\\])/g;

function stringAt(envelope: Buffer, start: number): string {
  const end = afterString(envelope, start);
  if (envelope[start] === braceOpen) {
    return decodeWords(envelope.toString('utf8', literalAt(envelope, start), end));
  }
  // What is quoted is ASCII.
  const text = envelope.toString('latin1', start + 1, end - 1);
  return decodeWords(text.includes('\\') ? text.replace(escaped, '$1') : text);
}

/** As a header would show them: `Name <local@host>, local@host`. */
function addressesAt(envelope: Buffer, start: number): string {
  let addresses = '';
  let at = start + 1;
  while (envelope[at] === parenOpen) {
    const parts: (string | undefined)[] = [];
    at++;
    for (let i = 0; i < 4; i++) {
      const isThere = !isNil(envelope, at);
      parts.push(isThere ? stringAt(envelope, at) : undefined);
      at = (isThere ? afterString(envelope, at) : at + 3) + 1;
    }
    const [name, , local, host] = parts;
    if (addresses !== '' && local !== undefined) addresses += ', ';
    if (host !== undefined) {
      const address = `${local ?? ''}@${host}`;
      addresses += name === undefined ? address : `${name} <${address}>`;
    } else if (local !== undefined) addresses += `${local}:`;
  }
  return addresses;
}
