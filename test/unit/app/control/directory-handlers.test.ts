/** Aim: a change of one thing keeps what changed beside it. Method: the handlers over a directory in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlCall } from '../../../../src/actors/asks/control.ts';
import { type AskedBy, askedHere } from '../../../../src/actors/asks/principal.ts';
import { directoryHandlers } from '../../../../src/app/control/directory-handlers.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { PasswordWorld } from '../../../support/password-world.ts';

const address = 'ann@local.test';

test('an account disabled while its new password is hashed stays disabled', async () => {
  const world = await PasswordWorld.open();
  const { directory } = world.identity;
  world.jobs.isHeld = true;
  const parts = { directory, passwords: world.desk } as unknown as ControlParts;
  const handlers = directoryHandlers(parts);
  const done = handlers['account.password']!({ address, password: 'correct horse' }, {
    by: askedHere,
  } as ControlCall<never>);
  await world.jobs.asked();
  await directory.putAccount({ ...world.ann, isEnabled: false });
  world.jobs.release();
  await done;
  const now = await directory.accountById(world.ann.id);
  assert.equal(now?.isEnabled, false);
  assert.match(now.passwordHash!, /^\$argon2id\$/);
});

test('a domain that a source of log-in names is given to a tenant by operators alone', async () => {
  const world = await PasswordWorld.open();
  const { directory } = world.identity;
  const tenant = await directory.createTenant({ name: 'other', createdMs: 0 });
  const settings = {
    ldap: { sources: [{ domains: ['office.test'] }] },
    oidc: { issuers: [{ domains: ['staff.test', 'xn--bcher-kva.test'] }] },
  };
  const made: string[] = [];
  const dkimKeys = {
    // As far as this goes: the domain is written.
    create: (name: string) => Promise.reject(made.push(name)),
  };
  const clock = { nowMs: () => 0 };
  const parts = { directory, settings, dkimKeys, clock } as unknown as ControlParts;
  const create = async (name: string, by: AskedBy) =>
    await directoryHandlers(parts)['domain.create']!({ name, tenant: 'other' }, {
      by,
    } as ControlCall<never>);
  const principal = { kind: 'api-key', tenant: tenant.id };
  const byTenant = { ...askedHere, principal } as unknown as AskedBy;
  for (const name of ['office.test', 'Office.TEST.', 'staff.test', 'bücher.test']) {
    await assert.rejects(create(name, byTenant), { code: 'permission-missing' }, name);
    assert.equal(await directory.domain(name), undefined);
  }
  await assert.rejects(create('free.test', byTenant));
  await assert.rejects(create('office.test', askedHere));
  assert.deepEqual(made, ['free.test', 'office.test']);
  assert.equal((await directory.domain('office.test'))?.tenant, tenant.id);
});
