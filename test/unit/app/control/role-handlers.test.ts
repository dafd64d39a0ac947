/** Aim: what is asked of roles and access is done and shown. Method: the handlers over a directory in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlCall } from '../../../../src/actors/asks/control.ts';
import { askedHere, type Principal } from '../../../../src/actors/asks/principal.ts';
import { createMemoryIdentity } from '../../../../src/adapters/memory/memory-directory.ts';
import { roleHandlers } from '../../../../src/app/control/role-handlers.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { identityWorld } from '../../../contracts/identity-world.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const byOperator = { by: askedHere } as ControlCall<never>;

function by(account: Account): ControlCall<never> {
  const { tenant, id, address } = account;
  const principal: Principal = {
    ...{ kind: 'account', tenant, account: id, address, session: 1, secondFactorMs: 0 },
  };
  return { by: { principal, peer: '' } } as ControlCall<never>;
}

async function world() {
  const identity = createMemoryIdentity();
  const one = await identityWorld({ identity, [Symbol.asyncDispose]: async () => {} });
  const { directory } = identity;
  const clock = new SeededClock(50);
  return { ...one, handlers: roleHandlers({ directory, identity, clock }) };
}

const invalid = { code: 'argument-invalid' };
const absent = { code: 'not-found' };

test('a role is made of listed permissions, given, shown and taken back', async () => {
  const { handlers, ann } = await world();
  const make = async (name: string, permissions: string[]) =>
    await handlers['role.create']!({ tenant: 'acme', name, permissions }, byOperator);
  await assert.rejects(make('desk', ['store.change']), invalid);
  await assert.rejects(make('owner', ['account.read']), { code: 'already-exists' });
  const { role } = await make('desk', ['alias.read', 'account.read', 'alias.read']);
  assert.deepEqual(role.permissions, ['account.read', 'alias.read']);
  const { grant } = await handlers['role.grant']!(
    { account: ann.address, role: 'desk' },
    byOperator,
  );
  const wanted = { account: ann.address, role: 'desk', createdMs: 50, by: 'operator' };
  assert.deepEqual(grant, wanted);
  const shown = await handlers['role.list']!({ tenant: 'acme' }, byOperator);
  assert.deepEqual(shown.grants, [wanted]);
  const names = shown.roles.filter(({ isBuiltIn }) => isBuiltIn).map(({ name }) => name);
  assert.deepEqual(names, [
    'owner',
    'tenant-admin',
    'domain-admin',
    'help-desk',
    'auditor',
    'user',
  ]);
  assert.deepEqual(shown.roles.at(-1), role);
  assert.deepEqual((await handlers['role.list']!({ tenant: 'rival' }, byOperator)).grants, []);
  await handlers['role.revoke']!({ account: ann.address, role: 'desk' }, byOperator);
  await handlers['role.delete']!({ tenant: 'acme', name: 'desk' }, byOperator);
});

test('a role is given where it is good, and by whom is kept', async () => {
  const { handlers, ann, bob } = await world();
  const give = async (role: string, domains?: string[]) =>
    await handlers['role.grant']!(
      { account: ann.address, role, ...(domains === undefined ? {} : { domains }) },
      by(bob),
    );
  await assert.rejects(give('domain-admin'), invalid);
  await assert.rejects(give('user'), invalid);
  await assert.rejects(give('absent'), absent);
  await assert.rejects(give('domain-admin', ['rival.test']), absent);
  const { grant } = await give('domain-admin', ['ACME.test.', 'acme.test']);
  assert.deepEqual([grant.domains, grant.by], [['acme.test'], bob.address]);
});

test('access is asked for by one and agreed to by another', async () => {
  const { handlers, ann, bob } = await world();
  const ask = async (more: object) =>
    await handlers['access.request']!(
      { account: ann.address, reason: 'case 4711', ...more },
      by(bob),
    );
  for (const forMs of [0, -1, 0.5, 8 * 86_400_000]) await assert.rejects(ask({ forMs }), invalid);
  const { request } = await ask({ forMs: 100 });
  assert.deepEqual([request.asker, request.createdMs, request.expiresMs], [bob.address, 50, 150]);
  const agree = async (call: ControlCall<never>) =>
    await handlers['access.consent']!({ account: ann.address, id: request.id }, call);
  await assert.rejects(agree(by(bob)), { code: 'permission-missing' });
  assert.equal((await agree(by(ann))).request.consentBy, ann.address);
  const { requests } = await handlers['access.list']!({ account: ann.address }, byOperator);
  assert.deepEqual(requests, [{ ...request, consentBy: ann.address }]);
  const key = {
    by: { principal: { kind: 'api-key', tenant: ann.tenant, key: 1, scopes: [] }, peer: '' },
  } as unknown as ControlCall<never>;
  await assert.rejects(agree(key), { code: 'permission-missing' });
});
