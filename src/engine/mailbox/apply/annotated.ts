/**
 * Annotations set: their rows, and the names of what changed.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5464 §4.3 (SETMETADATA sets all or nothing).
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { annotationChangesKey, annotationRange, byModseqKey } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { readAnnotated, readerOf } from '../annotation-records.ts';
import { decodeEntryChanges, encodeEntryChanges, rowsOf } from '../rows/annotation-row.ts';
import { packRanges } from '../rows/uid-ranges.ts';
import { openAccount } from './account-edit.ts';

export function applyAnnotated(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, mailbox, reader, values } = readAnnotated(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  // Opened for its highest modseq: by that sessions see that there is something to look at.
  if (mailbox !== 0 && edit.mailbox(mailbox) === undefined) return noChanges;
  const { table } = edit;
  const key = annotationChangesKey(account, mailbox);
  const changes = decodeEntryChanges(table.get(key));
  for (const [entry, value] of values) {
    const place = { account, mailbox, reader: readerOf(entry, reader) };
    const { from, to } = annotationRange(account, mailbox, place.reader, entry);
    table.removeRange(from, to);
    if (value !== null) {
      for (const row of rowsOf(place, { entry, value })) table.putOnly(row.key, row.value);
    }
    changes.push({ modseq, reader: place.reader, entry });
  }
  table.putOnly(key, encodeEntryChanges(changes));
  // Of no message: it tells whoever waits that more happened than arrivals.
  if (mailbox !== 0) table.putOnly(byModseqKey(account, mailbox, modseq), packRanges([]));
  return edit.finish();
}
