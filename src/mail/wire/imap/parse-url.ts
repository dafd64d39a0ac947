/**
 * Reads an IMAP URL of a message, or of a part of one.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5092 §3-6, §11 (absolute, absolute path, relative to the selected mailbox); RFC 4469 §3.
 * Limits:    `urlCharactersMax`.
 * Invariant: never throws. A URL with a part that is not understood (URLAUTH, a search) is none.
 */

import { Buffer } from 'node:buffer';
import { Cursor } from './cursor.ts';
import { canonicalName, nameFault } from './mailbox-name.ts';
import { parseSection, type Section, wholeMessage } from './parse-section.ts';

const urlCharactersMax = 4_096;
const uidMax = 0xffff_ffff;

export interface ImapUrl {
  /** In lower case, with its port where one stands; undefined: the server that is asked. */
  readonly host: string | undefined;
  /** Without what stands behind `;AUTH=`. */
  readonly user: string | undefined;
  /** Undefined: the selected mailbox. */
  readonly mailbox: string | undefined;
  /** 0: any. */
  readonly uidValidity: number;
  readonly uid: number;
  readonly section: Section;
  readonly offset: number;
  /** -1: to the end. */
  readonly length: number;
}

const authorityPattern = /^(?:imap:)?\/\/(?:([^@/]*)@)?([^@/]+)(?=\/)/i;
const validityPattern = ';UIDVALIDITY=([1-9]\\d{0,9})';
const partialPattern = '\\/;PARTIAL=(\\d{1,15})(?:\\.([1-9]\\d{0,14}))?';
const pathPattern = new RegExp(
  `^(?:([^;]+?)(?:${validityPattern})?\\/)?;UID=([1-9]\\d{0,9})(?:\\/;SECTION=([^;]+?))?(?:${partialPattern})?$`,
  'i',
);

export function parseImapUrl(text: string): ImapUrl | undefined {
  if (text.length > urlCharactersMax) return undefined;
  const authority = authorityPattern.exec(text);
  const rest = authority === null ? text : text.slice(authority[0].length);
  const isRooted = rest.startsWith('/');
  const path = pathPattern.exec(isRooted ? rest.slice(1) : rest);
  if (path === null) return undefined;
  const [, name, validity, uidText, sectionText, offset, length] = path;
  // From the root on, a mailbox must be named.
  if (isRooted && name === undefined) return undefined;
  const mailbox = name === undefined ? undefined : mailboxOf(name);
  if (name !== undefined && mailbox === undefined) return undefined;
  const section = sectionText === undefined ? wholeMessage : sectionOf(sectionText);
  const user = authority?.[1] === undefined ? undefined : decoded(userOf(authority[1]));
  const [uid, uidValidity] = [Number(uidText), Number(validity ?? 0)];
  if (section === undefined || uid > uidMax || uidValidity > uidMax) return undefined;
  if (authority?.[1] !== undefined && user === undefined) return undefined;
  return {
    host: authority?.[2]?.toLowerCase(),
    user,
    mailbox,
    uidValidity,
    uid,
    section,
    offset: Number(offset ?? 0),
    length: length === undefined ? -1 : Number(length),
  };
}

/** RFC 5092 §3.2: `user;AUTH=PLAIN`. */
function userOf(userInfo: string): string {
  const at = userInfo.indexOf(';');
  return at < 0 ? userInfo : userInfo.slice(0, at);
}

function mailboxOf(encoded: string): string | undefined {
  const name = decoded(encoded);
  if (name === undefined) return undefined;
  const canonical = canonicalName(name);
  return nameFault(canonical) === undefined ? canonical : undefined;
}

function sectionOf(encoded: string): Section | undefined {
  const text = decoded(encoded);
  if (text === undefined) return undefined;
  const bytes = Buffer.from(`[${text}]`, 'utf8');
  const cursor = new Cursor().open(bytes, 0, bytes.length);
  const section = parseSection(cursor);
  return cursor.isAtEnd() ? section : undefined;
}

function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
