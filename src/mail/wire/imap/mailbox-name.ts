/**
 * Names of mailboxes: as clients of either kind write them, and what may be one.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 3501 §5.1.3 (modified UTF-7); RFC 9051 §5.1, §5.1.1 (names, Net-Unicode); RFC 5198 §2 (Net-Unicode).
 * Limits:    `nameBytesMax`, `nameLevelBytesMax`, `nameLevelsMax`.
 * Invariant: `encodeMutf7(decodeMutf7(x)) === x`: only the one canonical form of a name is read, so two names are
 *            never one mailbox by their encoding.
 */

import { Buffer } from 'node:buffer';
import { composed } from '../../../base/normal-forms.ts';
import { nameBytesMax, nameLevelBytesMax, nameLevelsMax } from './limits.ts';

export const separator = '/';
export const inbox = 'INBOX';

const printable = /^[\x20-\x7e]*$/;
/** Base64 of whole UTF-16 units: 3 digits of 8 are 16 bits and two more. */
const shiftedRuns = /&((?:[A-Za-z0-9+,]{8})*(?:[A-Za-z0-9+,]{3}|[A-Za-z0-9+,]{6})?)-/g;
const shifts = /[^\x20-\x7e]+|&/g;
/** Controls, and the line and paragraph separators RFC 5198 §2 rules out; not-a-characters never travel well. */
const unwanted = /[\p{Cc}\p{Cs}\u2028\u2029\ufdd0-\ufdef\ufffe\uffff]/u;

/** Undefined where `text` is not modified UTF-7 in its canonical form. */
export function decodeMutf7(text: string): string | undefined {
  if (!printable.test(text)) return undefined;
  if (!text.includes('&')) return text;
  const name = text.replace(shiftedRuns, (_, base64: string) =>
    base64 === ''
      ? '&'
      : Buffer.from(base64.replaceAll(',', '/'), 'base64').swap16().toString('utf16le'),
  );
  // Text that has another form (ASCII in base64, bits left over, two runs in a row) is not read at all.
  return name.isWellFormed() && encodeMutf7(name) === text ? name : undefined;
}

function encodeShifted(text: string): string {
  const base64 = Buffer.from(text, 'utf16le').swap16().toString('base64');
  return base64.replace(/=+$/, '').replaceAll('/', ',');
}

export function encodeMutf7(name: string): string {
  if (printable.test(name) && !name.includes('&')) return name;
  return name.replace(shifts, (run) => (run === '&' ? '&-' : `&${encodeShifted(run)}-`));
}

/** INBOX in its one spelling (RFC 9051 §5.1: in any case, also where it is the first level), all else in NFC. */
export function canonicalName(name: string): string {
  const normal = printable.test(name) ? name : composed(name);
  if (normal.length < inbox.length || normal.slice(0, inbox.length).toUpperCase() !== inbox) {
    return normal;
  }
  const rest = normal.slice(inbox.length);
  return rest === '' || rest.startsWith(separator) ? inbox + rest : normal;
}

/** Why nothing can have this (canonical) name; undefined where something can. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'A mailbox name is empty';
  if (Buffer.byteLength(name, 'utf8') > nameBytesMax) return 'A mailbox name is too long';
  if (unwanted.test(name)) return 'A mailbox name has characters that are not allowed';
  const levels = name.split(separator);
  if (levels.length > nameLevelsMax) return 'A mailbox name has too many levels';
  for (const level of levels) {
    if (level === '') return 'A mailbox name has an empty level';
    if (Buffer.byteLength(level, 'utf8') > nameLevelBytesMax) return 'A mailbox name is too long';
  }
  return undefined;
}
