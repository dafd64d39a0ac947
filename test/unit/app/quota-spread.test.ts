/** Aim: shards come to know what their accounts inherit, whatever fails. Method: shards that note what they hear. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import { createMemoryDirectory } from '../../../src/adapters/memory/memory-directory.ts';
import { QuotaSpread } from '../../../src/app/quota-spread.ts';
import { failure } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { minuteMs } from '../../../src/base/units.ts';
import type { Inheritable } from '../../../src/ports/levels.ts';
import { accountRow, domainRow } from '../../contracts/directory-rows.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

async function world() {
  const directory = createMemoryDirectory();
  const clock = new SeededClock();
  const told: unknown[] = [];
  const shard = { isOpen: true, before: async () => {} };
  const ask = async ({ meta }: Ask): Promise<Answer> => {
    await shard.before();
    if (!shard.isOpen) return failure('not-possible-now', 'the shard is not open');
    told.push(meta);
    return { ok: true, value: undefined };
  };
  for (const name of ['a.test', 'b.test']) await directory.putDomain(domainRow(name));
  const inherits: readonly Inheritable[] = ['quotaBytes'];
  const ann = await directory.createAccount(accountRow('ann@a.test', { inherits }));
  const bob = await directory.createAccount(accountRow('bob@b.test', { inherits }));
  await directory.createAccount(accountRow('own@a.test', { quotaBytes: 7 }));
  const spread = new QuotaSpread({ directory, router: { ask }, clock, log: silentLog });
  return { directory, clock, told, shard, ann, bob, spread };
}

test('all below a level that was set are told, nobody else, and once', async () => {
  const { directory, told, ann, bob, spread } = await world();
  await directory.putDomain(domainRow('a.test', { accountQuotaBytes: 5 }));
  await spread.settle();
  assert.deepEqual(told, [[ann.id, 0, 5, 0]]);
  await directory.putServerLevel({ accountQuotaBytes: 9 });
  await spread.settle();
  await spread.settle();
  const later = told.slice(1) as [number, number, number][];
  assert.deepEqual(
    later.sort((a, b) => a[0] - b[0]),
    [
      [ann.id, 0, 5, 0],
      [bob.id, 0, 9, 0],
    ],
  );
  assert.deepEqual(await directory.spreads(), []);
});

test('a ceiling of a tenant reaches those that inherit nothing', async () => {
  const { directory, told, spread } = await world();
  const { id: tenant } = await directory.createTenant({ name: 'acme', createdMs: 0 });
  await directory.putDomain(domainRow('c.test', { tenant }));
  const row = accountRow('own@c.test', { tenant, quotaBytes: 7 });
  const own = await directory.createAccount(row);
  const acme = (await directory.tenantById(tenant))!;
  await directory.putTenant({ ...acme, accountQuotaBytesMax: 4 });
  await spread.settle();
  assert.deepEqual(told, [[own.id, tenant, 4, 0]]);
});

test('what failed is tried again, and is not forgotten by who comes after a kill', async () => {
  const { directory, clock, told, shard, bob, spread } = await world();
  shard.isOpen = false;
  await directory.putDomain(domainRow('b.test', { accountQuotaBytes: 5 }));
  await spread.settle();
  assert.deepEqual(told, []);
  assert.equal((await directory.spreads()).length, 1);
  shard.isOpen = true;
  clock.advance(minuteMs);
  await spread.settle();
  assert.deepEqual(told, [[bob.id, 0, 5, 0]]);
  await spread.close();
});

test('a quota that changed while its shard was told is told again', async () => {
  const { directory, told, shard, bob, spread } = await world();
  shard.before = async () => {
    shard.before = async () => {};
    await directory.putAccount({ ...bob, quotaBytes: 3, inherits: [] });
  };
  await directory.putDomain(domainRow('b.test', { accountQuotaBytes: 5 }));
  await spread.settle();
  assert.deepEqual(told, [
    [bob.id, 0, 5, 0],
    [bob.id, 0, 3, 0],
  ]);
});
