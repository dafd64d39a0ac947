/**
 * Messages that are to come back.
 *
 * Runs in: engine threads.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { snoozedKey } from '../../store/sweep-keys.ts';
import { encodeSnoozed } from '../rows/snoozed-row.ts';
import { readSnoozed } from '../snooze/records.ts';
import { openAccount } from './account-edit.ts';

export function applySnoozed(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, added, ended } = readSnoozed(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const { table } = edit;
  for (const [nap, row] of added) table.putOnly(snoozedKey(account, ...nap), encodeSnoozed(row));
  for (const nap of ended) table.remove(snoozedKey(account, ...nap));
  return edit.finish();
}
