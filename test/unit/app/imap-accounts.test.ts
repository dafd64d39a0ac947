/** A quota set over IMAP stands in the directory and in the account's shard, or the failure is told. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import { mailboxAsks } from '../../../src/actors/asks/mailbox-asks.ts';
import { createMemoryIdentity } from '../../../src/adapters/memory/memory-directory.ts';
import { imapAccounts } from '../../../src/app/imap-accounts.ts';
import { failure } from '../../../src/base/errors.ts';
import { defaultTenant } from '../../../src/base/ids.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

async function world(answer: Answer) {
  const { directory, groups } = createMemoryIdentity();
  const tenant = defaultTenant;
  await directory.putDomain({ name: 'a.test', tenant, createdMs: 1 });
  const account = await directory.createAccount({
    ...{ tenant, address: 'ann@a.test', isEnabled: true, quotaBytes: 5 },
    ...{ sendAs: [], createdMs: 1 },
  });
  const asked: Ask[] = [];
  const ask = async (one: Ask) => {
    asked.push(one);
    return answer;
  };
  const accounts = imapAccounts({ directory, groups, router: { ask }, clock: new SeededClock() });
  return { directory, account, asked, accounts };
}

test('a quota goes to the directory and to the shard of the account', async () => {
  const { directory, account, asked, accounts } = await world({ ok: true, value: undefined });
  assert.equal(await accounts.setQuota(account, { bytes: 7, messages: 8 }), undefined);
  const row = await directory.accountById(account.id);
  assert.deepEqual([row?.quotaBytes, row?.quotaMessages], [7, 8]);
  assert.equal(asked[0]!.name, mailboxAsks.put);
  assert.equal(asked[0]!.shard, account.shard);
  assert.deepEqual(asked[0]!.meta, [account.id, account.tenant, 7, 8]);
});

test('what the shard answers is told where it fails', async () => {
  const { account, accounts } = await world(failure('store-busy'));
  const failed = await accounts.setQuota(account, { bytes: 7, messages: 8 });
  assert.equal(failed?.code, 'store-busy');
});

test('what an account uses is asked of its shard', async () => {
  const { account, asked, accounts } = await world({ ok: true, value: 'as told' });
  const answer = await accounts.use(account);
  assert.equal(answer.ok && answer.value, 'as told');
  assert.deepEqual([asked[0]!.name, asked[0]!.meta], [mailboxAsks.use, [account.id]]);
});
