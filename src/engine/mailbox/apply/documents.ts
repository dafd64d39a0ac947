/**
 * A document coming into a mailbox and leaving it: the rows that name its places.
 *
 * Runs in:   engine threads.
 * Invariant: a document that is in no mailbox has no row and nothing leads to it, or it is kept (`kept.ts`).
 */

import { Buffer } from 'node:buffer';
import { blobLinkKey, byDateKey, messageBlob, parsedKey, vanishedKey } from '../../store/keys.ts';
import { type PlacedDocument, placed } from '../rows/document-places.ts';
import {
  type DocumentRow,
  type KeptDocument,
  uidIn,
  withoutPlace,
  withPlace,
} from '../rows/document-row.ts';
import { decodeParsed } from '../rows/parsed-row.ts';
import { addId, packRanges } from '../rows/uid-ranges.ts';
import type { AccountEdit } from './account-edit.ts';
import { type MailboxEdit, slotOf } from './mailbox-edit.ts';
import { enterMailbox, leaveMailbox, leaveThread } from './threads.ts';

export function uidValue(uid: number): Buffer {
  const value = Buffer.allocUnsafe(4);
  value.writeUInt32BE(uid);
  return value;
}

/** A document that is there already gets one more place. Its size; undefined where there is no such document. */
export function addPlace(
  edit: AccountEdit,
  document: number,
  mailbox: number,
  uid: number,
): number | undefined {
  const found = placeIn(edit, document, mailbox, uid);
  if (found === undefined) return undefined;
  const { size, internalMs, thread, wasThere } = found;
  if (!wasThere) {
    edit.table.putOnly(byDateKey(edit.account, mailbox, internalMs, document), uidValue(uid));
  }
  enterMailbox(edit, thread, mailbox, internalMs);
  edit.updated.email.add(document);
  return size;
}

function placeIn(
  edit: AccountEdit,
  document: number,
  mailbox: number,
  uid: number,
): Omit<PlacedDocument, 'row'> | undefined {
  const packed = edit.documents.packed(document);
  const found = packed === undefined ? undefined : placed(packed, mailbox, uid);
  if (found !== undefined) {
    edit.documents.putPacked(document, found.row);
    return found;
  }
  const row = edit.documents.get(document);
  if (row === undefined) return undefined;
  edit.documents.put(document, withPlace(row, mailbox, uid));
  return { ...row, wasThere: uidIn(row, mailbox) !== 0 };
}

/** Takes the existing ones of `uids` out of a mailbox, and says which those were. */
export function expunge(
  edit: AccountEdit,
  from: MailboxEdit,
  uids: Iterable<number>,
  keep?: Keep,
): number[] {
  const gone: number[] = [];
  for (const uid of uids) {
    const block = from.block(uid);
    if (!block.has(slotOf(uid))) continue;
    const document = block.documents[slotOf(uid)]!;
    const row = edit.documents.get(document);
    const isLast = row !== undefined && row.places.length === 2;
    const kept = isLast ? keep?.ofMessage(uid) : undefined;
    from.remove(uid, row?.size ?? 0);
    if (row !== undefined) removePlace(edit, document, row, { mailbox: from.mailbox, uid }, kept);
    if (kept !== undefined) keep?.kept(document);
    addId(gone, uid);
  }
  if (gone.length > 0) {
    edit.table.putOnly(vanishedKey(edit.account, from.mailbox, edit.modseq), packRanges(gone));
  }
  return gone;
}

/** What is asked of those that lose their last place; see `kept.ts`. */
export interface Keep {
  ofMessage(uid: number): KeptDocument;
  kept(document: number): void;
}

/** With `kept`, a document that is nowhere any more is kept so. */
function removePlace(
  edit: AccountEdit,
  document: number,
  before: DocumentRow,
  { mailbox, uid }: { readonly mailbox: number; readonly uid: number },
  kept: KeptDocument | undefined,
): void {
  const row = withoutPlace(before, mailbox, uid);
  const dateKey = byDateKey(edit.account, mailbox, row.internalMs, document);
  const otherUid = uidIn(row, mailbox);
  if (otherUid === 0) edit.table.remove(dateKey);
  else edit.table.putOnly(dateKey, uidValue(otherUid));
  if (row.places.length > 0) edit.documents.put(document, row);
  else if (kept === undefined) edit.documents.remove(document);
  else edit.documents.put(document, { ...row, kept });
  leaveMailbox(edit, row.thread, mailbox, row.internalMs);
  if (row.places.length > 0) {
    edit.updated.email.add(document);
    return;
  }
  if (kept === undefined) release(edit, document, row);
  edit.table.remove(blobLinkKey(row.hash, messageBlob, edit.account, document));
  leaveThread(edit, row.thread, document);
  edit.row.bytes -= row.size;
  edit.row.documents--;
  edit.destroyed.email.add(document);
}

/** The body, and the parsed row with it. */
function release(edit: AccountEdit, document: number, { place }: DocumentRow): void {
  edit.released.push(place);
  const key = parsedKey(edit.account, document);
  const parsed = edit.table.get(key);
  const parsedRow = parsed === undefined ? undefined : decodeParsed(parsed);
  if (parsedRow?.kind === 'record') edit.released.push(parsedRow.place);
  edit.table.remove(key);
}
