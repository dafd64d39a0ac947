/**
 * What accounts taught.
 *
 * Runs in: engine threads.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { accountRange, lessonKey, tables } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { taughtKey } from '../../store/sweep-keys.ts';
import { decodeLesson } from '../rows/lesson-row.ts';
import { encodeTaught } from '../rows/taught-row.ts';
import { readLearnt } from '../spam/records.ts';
import { openAccount } from './account-edit.ts';

export function applyLearnt(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, lessons, isAnew } = readLearnt(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const { table } = edit;
  if (isAnew) {
    const { from, to } = accountRange(tables.lesson, account);
    table.removeRange(from, to);
  }
  for (const [document, lesson] of lessons) {
    if (lesson === null) table.remove(lessonKey(account, document));
    else table.putOnly(lessonKey(account, document), lesson);
  }
  const added = lessons.flatMap(([, lesson]) => (lesson === null ? [] : [decodeLesson(lesson)]));
  if (added.length > 0) {
    const atMs = Math.max(...added.map((lesson) => lesson.atMs));
    table.putOnly(taughtKey(account), encodeTaught({ tenant: record.tenant, atMs }));
  } else if (isAnew) table.remove(taughtKey(account));
  return edit.finish();
}
