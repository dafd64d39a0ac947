/**
 * UIDs copied or moved into another mailbox: the documents stay, they get new places.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.4.7 (COPY keeps flags and keywords), §6.4.8 (MOVE).
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { byModseqKey, deliveryKey } from '../../store/keys.ts';
import {
  type JournalRecord,
  noChanges,
  type RecordPlace,
  type ShardReader,
} from '../../store/record.ts';
import { readCopied, readExpunged } from '../records.ts';
import { encodeCopyName } from '../rows/copy-name-row.ts';
import { savedRows } from '../rows/saved-row.ts';
import { systemFlags } from '../rows/uid-block.ts';
import { addId, idsOf, packRanges } from '../rows/uid-ranges.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';
import { addPlace, expunge } from './documents.ts';
import { KeepEdit } from './kept.ts';
import { type MailboxEdit, slotOf } from './mailbox-edit.ts';

/** Hears of bodies that ended. */
export type Release = (place: RecordPlace) => void;

export function applyExpunged(
  record: JournalRecord,
  read: ShardReader,
  release: Release,
): readonly IndexChange[] {
  const expunged = readExpunged(record);
  const edit = openAccount(read, expunged.account, expunged.modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const from = edit.mailbox(expunged.mailbox);
  if (from === undefined) return noChanges;
  const { keeping } = expunged;
  const keep = keeping === undefined ? undefined : new KeepEdit(edit, from, keeping);
  expunge(edit, from, idsOf(expunged.uids), keep);
  keep?.finish(record.tenant);
  for (const place of edit.released) release(place);
  return edit.finish();
}

export function applyCopied(
  record: JournalRecord,
  read: ShardReader,
  isMove: boolean,
): readonly IndexChange[] {
  const copied = readCopied(record);
  const edit = openAccount(read, copied.account, copied.modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const from = edit.mailbox(copied.mailbox);
  const target = edit.mailbox(copied.target);
  if (from === undefined || target === undefined) return noChanges;
  const arrived: number[] = [];
  let uid = copied.firstUid;
  for (const source of idsOf(copied.uids)) {
    if (copyOne(edit, from, source, target, uid)) addId(arrived, uid);
    uid++;
  }
  if (isMove) expunge(edit, from, idsOf(copied.uids));
  // UIDs of sources that were gone by now stay unused.
  target.row.uidNext = Math.max(target.row.uidNext, uid);
  const { account, table } = edit;
  const key = byModseqKey(account, copied.target, edit.modseq);
  if (arrived.length > 0) table.putOnly(key, packRanges(arrived));
  if (arrived.length > 0 && copied.savedMs > 0) {
    const { firstUid, savedMs } = copied;
    const saved = savedRows(account, copied.target, firstUid, uid - 1, savedMs);
    for (const [at, value] of saved) table.putOnly(at, value);
  }
  if (copied.copyHash.length > 0) {
    const name = deliveryKey(account, copied.copyDay, copied.copyHash);
    table.putOnly(name, encodeCopyName(copied));
  }
  edit.forgetDeliveries(copied.forgetDay);
  return edit.finish();
}

function copyOne(
  edit: AccountEdit,
  from: MailboxEdit,
  source: number,
  target: MailboxEdit,
  uid: number,
): boolean {
  const block = from.block(source);
  const slot = slotOf(source);
  if (!block.has(slot)) return false;
  const document = block.documents[slot]!;
  const size = addPlace(edit, document, target.mailbox, uid);
  if (size === undefined) return false;
  let flags = 0;
  for (let flag = 0; flag < systemFlags.length; flag++) {
    if (block.hasFlag(slot, flag)) flags |= 1 << flag;
  }
  const keywords: number[] = [];
  for (const keyword of block.keywords.keys()) {
    if (!block.hasKeyword(slot, keyword)) continue;
    keywords.push(target.keyword(from.row.keywords[keyword]!));
  }
  target.add(uid, document, size, flags, keywords);
  return true;
}
