/**
 * A new document: all rows it gets, in one record (hot path).
 *
 * Runs in:   engine threads.
 */

import { Buffer } from 'node:buffer';
import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  blobLinkKey,
  byDateKey,
  byModseqKey,
  documentKey,
  messageBlob,
  parsedKey,
} from '../../store/keys.ts';
import {
  type JournalRecord,
  noChanges,
  type RecordPlace,
  type ShardReader,
} from '../../store/record.ts';
import { type Delivered, readDelivered, readParsed } from '../records.ts';
import { decodeDocument, encodeDocument } from '../rows/document-row.ts';
import { decodeParsed, encodeParsedPlace } from '../rows/parsed-row.ts';
import { savedRows } from '../rows/saved-row.ts';
import { packRanges } from '../rows/uid-ranges.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';
import { uidValue } from './documents.ts';
import { joinThread } from './threads.ts';

const noBytes = Buffer.alloc(0);

export function applyDelivered(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const delivered = readDelivered(record);
  const edit = openAccount(read, delivered.account, delivered.modseq);
  if (edit === 'gone') return noChanges;
  if (edit === 'applied') return newPlace(record, delivered, read);
  return addDocument(edit, delivered, record) ? edit.finish() : noChanges;
}

function addDocument(edit: AccountEdit, delivered: Delivered, record: JournalRecord): boolean {
  const { account, modseq, mailbox, uid, document, thread, internalMs, hash } = delivered;
  const target = edit.mailbox(mailbox);
  if (target === undefined) return false;
  const { place } = record;
  const size = place.bodyBytes;
  const keywords = delivered.keywords.map((name) => target.keyword(name));
  target.add(uid, document, size, delivered.flags, keywords);
  const { table, row } = edit;
  const documentRow = { place, size, internalMs, thread, hash, places: [mailbox, uid] };
  table.putOnly(documentKey(account, document), encodeDocument(documentRow));
  if (delivered.parsed.length > 0) table.putOnly(parsedKey(account, document), delivered.parsed);
  table.putOnly(byDateKey(account, mailbox, internalMs, document), uidValue(uid));
  table.putOnly(byModseqKey(account, mailbox, modseq), packRanges([uid, uid]));
  table.putOnly(blobLinkKey(hash, messageBlob, account, document), noBytes);
  joinThread(edit, delivered);
  if (delivered.savedMs > 0) {
    const saved = savedRows(account, mailbox, uid, uid, delivered.savedMs);
    for (const [key, value] of saved) table.putOnly(key, value);
  }
  edit.rememberDelivery(delivered.deliveryDay, delivered.deliveryHash, [mailbox, uid, document]);
  edit.forgetDeliveries(delivered.forgetDay);
  row.documents++;
  row.bytes += size;
  row.documentNext = Math.max(row.documentNext, document + 1);
  row.threadNext = Math.max(row.threadNext, thread + 1);
  edit.created.email.add(document);
  return true;
}

/** A record is copied into later segments only: when the journal is reopened, and by compaction. */
export function isNewer(place: RecordPlace, than: RecordPlace): boolean {
  return place.segment > than.segment;
}

/** A copy of the record, made when the journal was reopened, takes over; an older one does not take back. */
function newPlace(
  record: JournalRecord,
  delivered: Delivered,
  read: ShardReader,
): readonly IndexChange[] {
  const key = documentKey(delivered.account, delivered.document);
  const value = read.get(key);
  if (value === undefined) return noChanges;
  const row = decodeDocument(value);
  if (!isNewer(record.place, row.place)) return noChanges;
  return [{ put: key, value: encodeDocument({ ...row, place: record.place }) }];
}

/** A parsed row too large for the index: it holds the place of this record's body. */
export function applyParsed(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, document } = readParsed(record);
  if (read.get(documentKey(account, document)) === undefined) return noChanges;
  const key = parsedKey(account, document);
  const value = read.get(key);
  const row = value === undefined ? undefined : decodeParsed(value);
  if (row?.kind === 'record' && !isNewer(record.place, row.place)) return noChanges;
  return [{ put: key, value: encodeParsedPlace(record.place) }];
}
