/**
 * Items of a FETCH response that need no reading of the message.
 *
 * Runs in:   engine threads; hot.
 * Specs:     RFC 9051 §7.5.2; RFC 8970 §3 (PREVIEW), RFC 8474 §5 (EMAILID, THREADID).
 */

import { Buffer } from 'node:buffer';
import { fetchItems } from '../../../actors/asks/imap-asks.ts';
import { monthNames } from '../../../mail/formats/date/format.ts';
import { imapString } from '../../../mail/formats/mime/imap-text.ts';
import type { DocumentRow } from '../rows/document-row.ts';
import type { Parsed } from '../rows/parsed-row.ts';
import type { OctetWriter } from './octet-writer.ts';

export interface MessageItems {
  readonly uid: number;
  readonly sequence: number;
  flags: string;
  readonly isSeen: boolean;
  /** Became \Seen by this FETCH: its flags are told whether asked for or not. */
  isNewlySeen?: boolean;
  readonly document: number;
  readonly row: DocumentRow | undefined;
  readonly parsed: Parsed | undefined;
}

/** Writes `* 12 FETCH (` and the items, a space between two. False: there was none. */
export function itemsText(writer: OctetWriter, items: number, message: MessageItems): boolean {
  const { row, parsed } = message;
  let text = `* ${message.sequence} FETCH (`;
  let gap = '';
  const add = (item: string) => {
    text += gap + item;
    gap = ' ';
  };
  if ((items & fetchItems.uid) !== 0) add(`UID ${message.uid}`);
  if ((items & fetchItems.flags) !== 0) add(`FLAGS (${message.flags})`);
  if (row !== undefined) {
    if ((items & fetchItems.internalDate) !== 0) {
      add(`INTERNALDATE "${internalDate(row.internalMs)}"`);
    }
    if ((items & fetchItems.size) !== 0) add(`RFC822.SIZE ${row.size}`);
    if ((items & fetchItems.emailId) !== 0) add(`EMAILID (M${message.document})`);
    if ((items & fetchItems.threadId) !== 0) add(`THREADID (T${row.thread})`);
  }
  if (parsed !== undefined) {
    const octets = (name: string, value: Uint8Array) => {
      add(`${name} `);
      writer.text(text);
      text = '';
      writer.octets(value);
    };
    if ((items & fetchItems.envelope) !== 0) octets('ENVELOPE', parsed.envelope);
    if ((items & fetchItems.bodyStructure) !== 0) octets('BODYSTRUCTURE', parsed.bodyStructure);
    if ((items & fetchItems.body) !== 0) octets('BODY', parsed.body);
    if ((items & fetchItems.preview) !== 0) {
      octets('PREVIEW', Buffer.from(imapString(parsed.preview), 'utf8'));
    }
  }
  if (message.isNewlySeen === true && (items & fetchItems.flags) === 0) {
    add(`FLAGS (${message.flags})`);
  }
  writer.text(text);
  return gap !== '';
}

/** As ` 1-Jan-2026 00:00:00 +0000` (RFC 9051 §9, date-time). */
export function internalDate(epochMs: number): string {
  const date = new Date(epochMs);
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  return (
    `${day}-${monthNames[date.getUTCMonth()]}-${year} ${two(date.getUTCHours())}:` +
    `${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
  );
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
