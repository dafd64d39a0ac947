/**
 * Where a mailbox's threads stand by the date of their newest message: one row a head.
 *
 * Runs in:   engine threads.
 * Invariant: written once a record, from what the heads were before it and are after it.
 */

import { byThreadDateKey } from '../../store/keys.ts';
import type { ThreadHead } from '../rows/thread-row.ts';
import type { TableEdit } from './table-edit.ts';

const empty = new Uint8Array(0);
export const noHeads: readonly ThreadHead[] = [];

export function writeThreadDates(
  table: TableEdit,
  account: number,
  thread: number,
  before: readonly ThreadHead[],
  after: readonly ThreadHead[],
): void {
  for (const { mailbox, newestMs } of before) {
    if (isNewestIn(after, mailbox, newestMs)) continue;
    table.remove(byThreadDateKey(account, mailbox, newestMs, thread));
  }
  for (const { mailbox, newestMs } of after) {
    if (isNewestIn(before, mailbox, newestMs)) continue;
    table.putOnly(byThreadDateKey(account, mailbox, newestMs, thread), empty);
  }
}

function isNewestIn(heads: readonly ThreadHead[], mailbox: number, newestMs: number): boolean {
  for (const head of heads) if (head.mailbox === mailbox) return head.newestMs === newestMs;
  return false;
}
