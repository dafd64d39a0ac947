/** Aim: last uses of accounts are bounded in memory, and written by themselves at the bound. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import * as rows from '../../../../src/adapters/table/identity-rows.ts';
import { LastUses } from '../../../../src/adapters/table/last-uses.ts';
import { WriteTurns } from '../../../../src/adapters/table/write-turns.ts';
import type { AccountId } from '../../../../src/base/ids.ts';
import { type Used, usesHeldMax } from '../../../../src/ports/credentials.ts';

const first = 1 as AccountId;
const what: Used = { appPassword: 1 };
const use = { atMs: 9, address: '::1' };
const kept = rows.appPasswordKey(first, 1);

function opened() {
  const table = new MemoryIndex();
  const turns = new WriteTurns(table, () => {});
  const uses = new LastUses({ table, turns });
  const note = (account: number) => uses.note(account as AccountId, what, use);
  const hasUse = (account: AccountId) => 'lastUse' in uses.joinedTo(account, what, {});
  return { table, turns, note, hasUse };
}

test('uses of as many accounts as are held stand in rows, without anybody asking', async () => {
  const { table, turns, note } = opened();
  await table.commit([rows.put(kept, { name: 'phone' })]);
  for (let account = 1; account < usesHeldMax; account++) note(account);
  // A write runs after those that were asked for before it.
  const later = () => turns.aside(() => ({ changes: [], answer: undefined }));
  await later();
  assert.deepEqual(rows.readRow(table, kept), { name: 'phone' }, 'one more may be held');
  note(usesHeldMax);
  await later();
  assert.deepEqual(rows.readRow(table, kept), { name: 'phone', lastUse: use });
});

test('where the table does not answer, the account that was noted first is forgotten', async () => {
  const { turns, note, hasUse } = opened();
  const gate = Promise.withResolvers<void>();
  const stuck = turns.inTurn(() => gate.promise);
  for (let account = 1; account <= usesHeldMax; account++) note(account);
  assert.ok(hasUse(first));
  note(usesHeldMax + 1);
  assert.ok(!hasUse(first));
  assert.ok(hasUse(2 as AccountId));
  gate.resolve();
  await stuck;
});
