/**
 * Aim:    lists of groups show what whoever asks may see.
 * Method: the handlers under the real guard, over a directory in memory.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../../../../src/actors/asks/principal.ts';
import { createMemoryIdentity } from '../../../../src/adapters/memory/memory-directory.ts';
import { groupHandlers } from '../../../../src/app/control/group-handlers.ts';
import { guardedActs } from '../../../../src/app/control/guarded-acts.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { accountRow, domainRow } from '../../../contracts/directory-rows.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

test('a list without a domain holds the groups of the domains that the asker has a say in', async () => {
  const identity = createMemoryIdentity();
  const { directory, credentials, roles, groups } = identity;
  const clock = new SeededClock();
  const acme = await directory.createTenant({ name: 'acme', createdMs: 1 });
  const rival = await directory.createTenant({ name: 'rival', createdMs: 1 });
  for (const [name, { id: tenant }] of [
    ['acme.test', acme],
    ['more.test', acme],
    ['rival.test', rival],
  ] as const) {
    await directory.putDomain(domainRow(name, { tenant }));
    const group = { tenant, address: `all@${name}`, senders: 'tenant', createdMs: 1 } as const;
    await groups.createGroup(group);
  }
  const act = guardedActs({ identity, clock, refused: () => {} }, (seen) =>
    groupHandlers({ directory: seen, identity, clock }),
  );
  const list = async (principal: Principal, domain?: string) => {
    const params = domain === undefined ? {} : { domain };
    const answer = await act('group.list', params, { by: { principal, peer: '' } } as never);
    return (answer as { groups: { address: string }[] }).groups.map(({ address }) => address);
  };
  const asks = async (account: Account): Promise<Principal> => {
    const nowMs = clock.nowMs();
    const session = await credentials.createSession(account, {
      ...{ device: '', address: '', createdMs: nowMs, refreshHash: 'a'.repeat(64) },
      ...{ expiresMs: nowMs + 1e9, secondFactorMs: 0 },
    });
    const { tenant, id, address } = account;
    const who = { kind: 'account', tenant, account: id, address, session: session.id } as const;
    return { ...who, secondFactorMs: 0 };
  };
  const make = async (name: string, role?: string, domains?: string[]) => {
    const account = await directory.createAccount(
      accountRow(`${name}@acme.test`, { tenant: acme.id }),
    );
    const terms = { tenant: acme.id, account: account.id, createdMs: 1, by: 'operator' };
    const where = domains === undefined ? {} : { domains };
    if (role !== undefined) await roles.grant({ ...terms, role, ...where });
    return await asks(account);
  };
  const ann = await make('ann', 'domain-admin', ['acme.test']);
  assert.deepEqual(await list(ann), ['all@acme.test']);
  assert.deepEqual(await list(ann, 'acme.test'), ['all@acme.test']);
  await assert.rejects(list(ann, 'more.test'), { code: 'permission-missing' });
  const bob = await make('bob', 'tenant-admin');
  assert.deepEqual(await list(bob), ['all@acme.test', 'all@more.test']);
  const all = ['all@acme.test', 'all@more.test', 'all@rival.test'];
  assert.deepEqual((await list({ kind: 'operator' })).sort(), all);
  await assert.rejects(list(await make('eve')), { code: 'permission-missing' });
});
