/**
 * Aim:    nobody gives by rights that were taken back before the write, whoever changes roles at the same time.
 * Method: the handlers under the real guard over a directory in memory, whose commits wait where a test says so.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ControlMethod } from '../../../../src/actors/asks/control.ts';
import type { Principal } from '../../../../src/actors/asks/principal.ts';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { openTableIdentity } from '../../../../src/adapters/table/account-directory.ts';
import { groupHandlers } from '../../../../src/app/control/group-handlers.ts';
import { guardedActs } from '../../../../src/app/control/guarded-acts.ts';
import { roleHandlers } from '../../../../src/app/control/role-handlers.ts';
import type { IndexChange } from '../../../../src/ports/shard-index.ts';
import { accountRow, domainRow } from '../../../contracts/directory-rows.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

class Gated extends MemoryIndex {
  gate: Promise<void> = Promise.resolve();

  override async commit(changes: readonly IndexChange[]): Promise<void> {
    await this.gate;
    await super.commit(changes);
  }
}

async function world() {
  const table = new Gated();
  const identity = openTableIdentity({ table, shards: 1 });
  const { directory, credentials, roles, groups } = identity;
  const clock = new SeededClock();
  const { id: tenant } = await directory.createTenant({ name: 'acme', createdMs: 1 });
  await directory.putDomain(domainRow('acme.test', { tenant }));
  const make = (name: string) =>
    directory.createAccount(accountRow(`${name}@acme.test`, { tenant }));
  const [ann, bob] = [await make('ann'), await make('bob')];
  const terms = { tenant, createdMs: 1, by: 'operator' };
  await roles.grant({ ...terms, account: ann.id, role: 'owner' });
  const nowMs = clock.nowMs();
  const session = await credentials.createSession(ann, {
    ...{ device: '', address: '', createdMs: nowMs, refreshHash: 'a'.repeat(64) },
    ...{ expiresMs: nowMs + 1e9, secondFactorMs: 0 },
  });
  const principal: Principal = {
    ...{ kind: 'account', tenant, account: ann.id, address: ann.address, session: session.id },
    secondFactorMs: 0,
  };
  const refusals: string[] = [];
  const refused = (method: string) => void refusals.push(method);
  const act = guardedActs({ identity, clock, refused }, (seen) => {
    const parts = { directory: seen, identity, clock };
    return { ...roleHandlers(parts), ...groupHandlers(parts) };
  });
  const ask = async (method: ControlMethod, params: object) =>
    await act(method, params, { by: { principal, peer: '' } } as never);
  /** `ask` is decided and waits behind `first`. */
  const behind = async (first: () => Promise<unknown>, method: ControlMethod, params: object) => {
    const opened = Promise.withResolvers<void>();
    table.gate = opened.promise;
    const before = first();
    const asked = ask(method, params);
    asked.catch(() => {});
    for (let each = 0; each < 20; each++) await turn();
    opened.resolve();
    await before;
    return await asked;
  };
  const group = await groups.createGroup({
    ...{ tenant, address: 'desk@acme.test', senders: 'tenant', createdMs: 1 },
  });
  return { ...{ identity, tenant, terms, ann, bob, group, session, ask, behind, refusals } };
}

const lost = { code: 'permission-missing' };

test('what gives or takes power is judged in the turn of its write', async () => {
  const acts = [
    ['role.grant', { account: 'bob@acme.test', role: 'owner' }],
    ['role.revoke', { account: 'bob@acme.test', role: 'auditor' }],
    ['role.create', { tenant: 'acme', name: 'fresh', permissions: ['account.read'] }],
    ['role.delete', { tenant: 'acme', name: 'old' }],
    ['group.grant', { address: 'desk@acme.test', role: 'owner' }],
    ['group.revoke', { address: 'desk@acme.test', role: 'auditor' }],
    ['group.add', { address: 'desk@acme.test', members: ['bob@acme.test'] }],
    ['group.remove', { address: 'desk@acme.test', member: 'ann@acme.test' }],
    ['group.delete', { address: 'desk@acme.test' }],
  ] as const;
  for (const [method, params] of acts) {
    const one = await world();
    const { roles, groups } = one.identity;
    await roles.putRole({ tenant: one.tenant, name: 'old', permissions: [], createdMs: 1 });
    await roles.grant({ ...one.terms, account: one.bob.id, role: 'auditor' });
    await roles.grant({ ...one.terms, group: one.group.id, role: 'auditor' });
    await groups.addMembers(one.group, [{ account: one.ann.id }]);
    const revoked = () => roles.revoke(one.ann, 'owner');
    await assert.rejects(one.behind(revoked, method, params), lost, method);
    assert.deepEqual(one.refusals, [method]);
    const held = (await roles.grantsOf(one.bob)).map(({ role }) => role);
    assert.deepEqual(held, ['auditor'], method);
    const ofGroup = (await roles.grantsOfGroup(one.group)).map(({ role }) => role);
    assert.deepEqual(ofGroup, ['auditor'], method);
    assert.deepEqual(await groups.members(one.group), [{ account: one.ann.id }], method);
    const names = (await roles.customRoles(one.tenant)).map(({ name }) => name);
    assert.deepEqual(names, ['old'], method);
  }
});

test('a group that was given more meanwhile, and a session that ended, count', async () => {
  const one = await world();
  const { roles, credentials } = one.identity;
  await roles.revoke(one.ann, 'owner');
  const where = { domains: ['acme.test'] };
  await roles.grant({ ...one.terms, account: one.ann.id, role: 'domain-admin', ...where });
  const given = () => roles.grant({ ...one.terms, group: one.group.id, role: 'owner' });
  const members = { address: 'desk@acme.test', members: ['ann@acme.test'] };
  await assert.rejects(one.behind(given, 'group.add', members), lost);
  await roles.revokeFromGroup(one.group, 'owner');
  const ended = () => credentials.deleteSession(one.ann, one.session.id);
  await assert.rejects(one.behind(ended, 'group.add', members), { code: 'credentials-invalid' });
});

test('what changed and does not matter makes it be decided again, and done', async () => {
  const one = await world();
  const { roles } = one.identity;
  const more = () => roles.grant({ ...one.terms, account: one.ann.id, role: 'auditor' });
  await one.behind(more, 'role.grant', { account: 'bob@acme.test', role: 'help-desk' });
  assert.deepEqual(one.refusals, []);
  assert.equal((await roles.grantsOf(one.bob))[0]?.role, 'help-desk');
});
