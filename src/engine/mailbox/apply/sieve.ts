/**
 * Scripts set, and what their runs remember.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5804 §2, RFC 5230 §4.2, RFC 7352 §3.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { rememberedKey, rememberedTillKey, scriptRange } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import {
  decodeRemembered,
  decodeRememberedCount,
  encodeRemembered,
  encodeRememberedCount,
  rememberedCountKey,
} from '../rows/remembered-row.ts';
import { activeScriptKey, scriptRows } from '../rows/script-row.ts';
import { readScriptsSet, readSieveRan } from '../sieve/records.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';

/** Of a delivery that left no message behind. */
const noPlace = [0, 0, 0] as const;

export function applyScriptsSet(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, texts, active } = readScriptsSet(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const { table } = edit;
  for (const [name, text] of texts) {
    const { from, to } = scriptRange(account, name);
    table.removeRange(from, to);
    if (text === null) continue;
    for (const row of scriptRows(account, name, text)) table.putOnly(row.key, row.value);
  }
  if (active !== null) table.putOnly(activeScriptKey(account), Buffer.from(active, 'utf8'));
  return edit.finish();
}

export function applySieveRan(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const ran = readSieveRan(record);
  const { account, modseq, deliveryDay, deliveryHash, forgetDay } = ran;
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  edit.rememberDelivery(deliveryDay, deliveryHash, noPlace);
  edit.forgetDeliveries(forgetDay);
  const { table } = edit;
  const countKey = rememberedCountKey(account);
  let count = decodeRememberedCount(table.get(countKey));
  for (const [hash, untilMs] of ran.forgotten) {
    const value = table.get(rememberedKey(account, hash));
    table.remove(rememberedTillKey(account, untilMs, hash));
    if (value === undefined || decodeRemembered(value).untilMs !== untilMs) continue;
    table.remove(rememberedKey(account, hash));
    count--;
  }
  for (const [hash, sinceMs, untilMs] of ran.remembered) {
    if (!forgetEarlier(edit, hash)) count++;
    table.put(rememberedKey(account, hash), encodeRemembered({ sinceMs, untilMs }));
    table.put(rememberedTillKey(account, untilMs, hash), Buffer.alloc(0));
  }
  if (ran.forgotten.length + ran.remembered.length > 0) {
    table.putOnly(countKey, encodeRememberedCount(count));
  }
  return edit.finish();
}

/** Whether it was remembered: its row by time goes, the other is written anew. */
function forgetEarlier({ table, account }: AccountEdit, hash: Uint8Array): boolean {
  const value = table.get(rememberedKey(account, hash));
  if (value === undefined) return false;
  table.remove(rememberedTillKey(account, decodeRemembered(value).untilMs, hash));
  return true;
}
