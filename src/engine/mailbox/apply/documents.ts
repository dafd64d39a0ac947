/**
 * A document coming into a mailbox and leaving it: the rows that name its places.
 *
 * Runs in:   engine threads.
 * Invariant: a document that is in no mailbox has no row, and nothing leads to it.
 */

import { Buffer } from 'node:buffer';
import {
  blobLinkKey,
  byDateKey,
  documentKey,
  messageBlob,
  parsedKey,
  vanishedKey,
} from '../../store/keys.ts';
import {
  type DocumentRow,
  decodeDocument,
  encodeDocument,
  uidIn,
  withoutPlace,
  withPlace,
} from '../rows/document-row.ts';
import { decodeParsed } from '../rows/parsed-row.ts';
import { addId, packRanges } from '../rows/uid-ranges.ts';
import { type AccountEdit, type MailboxEdit, slotOf } from './account-edit.ts';
import { enterMailbox, leaveMailbox, leaveThread } from './threads.ts';

export function readDocument(edit: AccountEdit, document: number): DocumentRow | undefined {
  const value = edit.table.get(documentKey(edit.account, document));
  return value === undefined ? undefined : decodeDocument(value);
}

export function uidValue(uid: number): Buffer {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(uid);
  return value;
}

/** A document that is there already gets one more place. */
export function addPlace(
  edit: AccountEdit,
  document: number,
  row: DocumentRow,
  mailbox: number,
  uid: number,
): void {
  const isNewThere = uidIn(row, mailbox) === 0;
  edit.table.put(documentKey(edit.account, document), encodeDocument(withPlace(row, mailbox, uid)));
  if (isNewThere) {
    const key = byDateKey(edit.account, mailbox, row.internalMs, document);
    edit.table.put(key, uidValue(uid));
  }
  enterMailbox(edit, row.thread, mailbox, row.internalMs);
  edit.updated.email.add(document);
}

/** Takes the existing ones of `uids` out of a mailbox, and says which those were. */
export function expunge(edit: AccountEdit, from: MailboxEdit, uids: Iterable<number>): number[] {
  const gone: number[] = [];
  for (const uid of uids) {
    const block = from.block(uid);
    if (!block.has(slotOf(uid))) continue;
    const document = block.documents[slotOf(uid)]!;
    const row = readDocument(edit, document);
    from.remove(uid, row?.size ?? 0);
    if (row !== undefined) removePlace(edit, document, row, from.mailbox, uid);
    addId(gone, uid);
  }
  if (gone.length > 0) {
    edit.table.putOnly(vanishedKey(edit.account, from.mailbox, edit.modseq), packRanges(gone));
  }
  return gone;
}

function removePlace(
  edit: AccountEdit,
  document: number,
  before: DocumentRow,
  mailbox: number,
  uid: number,
): void {
  const row = withoutPlace(before, mailbox, uid);
  const dateKey = byDateKey(edit.account, mailbox, row.internalMs, document);
  const otherUid = uidIn(row, mailbox);
  if (otherUid === 0) edit.table.remove(dateKey);
  else edit.table.put(dateKey, uidValue(otherUid));
  const key = documentKey(edit.account, document);
  if (row.places.length > 0) edit.table.put(key, encodeDocument(row));
  else edit.table.remove(key);
  leaveMailbox(edit, row.thread, mailbox, row.internalMs);
  if (row.places.length > 0) {
    edit.updated.email.add(document);
    return;
  }
  edit.released.push(row.place);
  const parsed = edit.table.get(parsedKey(edit.account, document));
  const parsedRow = parsed === undefined ? undefined : decodeParsed(parsed);
  if (parsedRow?.kind === 'record') edit.released.push(parsedRow.place);
  edit.table.remove(parsedKey(edit.account, document));
  edit.table.remove(blobLinkKey(row.hash, messageBlob, edit.account, document));
  leaveThread(edit, row.thread, document);
  edit.row.bytes -= row.size;
  edit.row.documents--;
  edit.updated.email.delete(document);
  edit.destroyed.email.add(document);
}
