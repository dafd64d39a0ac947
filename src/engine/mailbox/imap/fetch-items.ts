/**
 * Items of a FETCH response that need no reading of the message.
 *
 * Runs in:   engine threads; hot.
 * Specs:     RFC 9051 §7.5.2; RFC 8970 §3 (PREVIEW), RFC 8474 §5 (EMAILID, THREADID).
 */

import { fetchItems, objectIds } from '../../../actors/asks/imap-asks.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import {
  fetchFlags,
  fetchInternalDate,
  fetchModseq,
  fetchNumber,
  fetchObjectId,
  fetchPreview,
  fetchReady,
  fetchSaveDate,
  nextItem,
  startFetch,
  startUidFetch,
} from '../../../mail/wire/imap/response-fetch.ts';
import type { DocumentRow } from '../rows/document-row.ts';
import type { Parsed } from '../rows/parsed-row.ts';

export interface MessageItems {
  readonly uid: number;
  readonly sequence: number;
  /** By place in `systemFlags`. */
  flags: number;
  readonly keywords: readonly string[];
  modseq: number;
  /** Became \Seen by this FETCH: its flags are told whether asked for or not. */
  isNewlySeen: boolean;
  readonly document: number;
  readonly row: DocumentRow | undefined;
  readonly parsed: Parsed | undefined;
  /** When it came into the mailbox; undefined: its internal date. */
  readonly savedMs: number | undefined;
}

/** Writes `* 12 FETCH (` or its like and the items, a space between two. False: there was none. */
export function writeItems(writer: ResponseWriter, items: number, message: MessageItems): boolean {
  const { row, parsed } = message;
  if ((items & fetchItems.byUid) !== 0) startUidFetch(writer, message.uid);
  else startFetch(writer, message.sequence);
  let isFirst = true;
  const wanted = message.isNewlySeen ? items | fetchItems.flags : items;
  const isWanted = (item: number, isThere: boolean) => {
    if (!isThere || (wanted & item) === 0) return false;
    if (!isFirst) nextItem(writer);
    isFirst = false;
    return true;
  };
  if (isWanted(fetchItems.uid, true)) fetchNumber(writer, 'UID', message.uid);
  if (isWanted(fetchItems.flags, true)) fetchFlags(writer, message.flags, message.keywords);
  if (isWanted(fetchItems.modseq, true)) fetchModseq(writer, message.modseq);
  if (isWanted(fetchItems.internalDate, row !== undefined)) {
    fetchInternalDate(writer, row!.internalMs);
  }
  if (isWanted(fetchItems.saveDate, row !== undefined)) {
    fetchSaveDate(writer, message.savedMs ?? row!.internalMs);
  }
  if (isWanted(fetchItems.size, row !== undefined)) fetchNumber(writer, 'RFC822.SIZE', row!.size);
  const isParsed = parsed !== undefined;
  if (isWanted(fetchItems.envelope, isParsed)) fetchReady(writer, 'ENVELOPE', parsed!.envelope);
  if (isWanted(fetchItems.bodyStructure, isParsed)) {
    fetchReady(writer, 'BODYSTRUCTURE', parsed!.bodyStructure);
  }
  if (isWanted(fetchItems.body, isParsed)) fetchReady(writer, 'BODY', parsed!.body);
  if (isWanted(fetchItems.preview, isParsed)) fetchPreview(writer, parsed!.preview);
  if (isWanted(fetchItems.emailId, row !== undefined)) {
    fetchObjectId(writer, 'EMAILID', objectIds.email(message.document));
  }
  if (isWanted(fetchItems.threadId, row !== undefined)) {
    fetchObjectId(writer, 'THREADID', objectIds.thread(row!.thread));
  }
  return !isFirst;
}
