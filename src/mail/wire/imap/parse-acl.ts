/**
 * Reads SETACL, DELETEACL and LISTRIGHTS; GETACL and MYRIGHTS take a mailbox and nothing else.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4314 §3, §7.
 */

import { composed } from '../../../base/normal-forms.ts';
import { type Cursor, fail } from './cursor.ts';
import { identifierBytesMax } from './limits.ts';
import { parseMailbox } from './parse-mailbox.ts';
import { expectEnd, expectSpace, parseAstring } from './parse-strings.ts';
import { rightsOf } from './rights.ts';

export interface Identifier {
  /** Without the minus. */
  readonly name: string;
  /** Its rights are taken away from what others give (RFC 4314 §2). */
  readonly isNegative: boolean;
}

/** DELETEACL, LISTRIGHTS. */
export interface IdentifierCommand extends Identifier {
  readonly mailbox: string;
}

export interface SetAclCommand extends IdentifierCommand {
  readonly op: 'replace' | 'add' | 'remove';
  /** Bits of `rights`. */
  readonly rights: number;
}

export function parseSetAcl(cursor: Cursor): SetAclCommand | undefined {
  const named = parseNamed(cursor);
  if (named === undefined || !expectSpace(cursor)) return undefined;
  const from = cursor.at;
  const text = parseAstring(cursor);
  if (text === undefined) return undefined;
  const op = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace';
  const rights = rightsOf(op === 'replace' ? text : text.slice(1));
  if (rights === undefined) {
    cursor.at = from;
    // RFC 4314 §2.1: BAD, so that a client learns of a right that is not known here.
    return fail(cursor, 'A letter names no right');
  }
  return expectEnd(cursor) ? { ...named, op, rights } : undefined;
}

export function parseIdentifierCommand(cursor: Cursor): IdentifierCommand | undefined {
  const named = parseNamed(cursor);
  return named !== undefined && expectEnd(cursor) ? named : undefined;
}

function parseNamed(cursor: Cursor): IdentifierCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const mailbox = parseMailbox(cursor);
  if (mailbox === undefined || !expectSpace(cursor)) return undefined;
  const from = cursor.at;
  const text = parseAstring(cursor);
  if (text === undefined) return undefined;
  const isNegative = text.startsWith('-');
  const name = composed(isNegative ? text.slice(1) : text);
  if (name !== '' && name.length <= identifierBytesMax) return { mailbox, name, isNegative };
  cursor.at = from;
  return fail(cursor, 'An identifier is empty or too long');
}
