/** Acts around the audit log: nothing is changed without an entry, and nothing secret is in one. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControlHandlers, ControlMethod } from '../../../../src/actors/asks/control.ts';
import { controlActs } from '../../../../src/actors/asks/control-acts.ts';
import { type AskedBy, askedHere } from '../../../../src/actors/asks/principal.ts';
import { MemoryAuditLog } from '../../../../src/adapters/memory/memory-audit-log.ts';
import { createMemoryDirectory } from '../../../../src/adapters/memory/memory-directory.ts';
import { actWords } from '../../../../src/app/audit/act-words.ts';
import { AuditDesk } from '../../../../src/app/audit/audit-desk.ts';
import { auditedActs, itemsMax } from '../../../../src/app/audit/audited-acts.ts';
import { serverDeeds } from '../../../../src/app/audit/server-deeds.ts';
import { MailError } from '../../../../src/base/errors.ts';
import { accountId, tenantId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { entriesOf } from '../../../contracts/audit-log.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

async function world(handlers: ControlHandlers, isStrict = true) {
  const clock = new SeededClock();
  const audit = new MemoryAuditLog(clock);
  const desk = new AuditDesk({ clock, log: silentLog, open: async () => audit });
  const directory = createMemoryDirectory({ shards: 4 });
  const acme = await directory.createTenant({ name: 'acme', createdMs: 1 });
  await directory.putDomain({ name: 'acme.test', tenant: acme.id, createdMs: 1 });
  const parts = { desk, directory, isStrict, tenantOfWebhook: () => acme.id };
  const acts = auditedActs(parts, handlers);
  const call = (method: ControlMethod, params: unknown, by = askedHere) =>
    (acts[method] as (params: unknown, call: unknown) => Promise<unknown>)(params, { by });
  const told = async () =>
    (await entriesOf(audit)).map(({ act, outcome, reason, resource }) =>
      [act, outcome, reason, resource].filter((word) => word !== '').join(' '),
    );
  return { clock, audit, desk, acme, call, told };
}

describe('acts and the audit log', () => {
  it('keep of an act what is named for it, and whose it is', async () => {
    const { call, audit, acme } = await world({
      'account.create': () => ({ account: {} as never }),
      'queue.delete': () => ({ count: 12 }),
      'webhook.rotate': () => ({ webhook: {} as never, secret: 'whsec_x' }),
    });
    await call('account.create', {
      ...{ address: 'ann@acme.test', password: 'hunter2', quotaBytes: 5, secretToCome: 'x' },
      sendAs: Array.from({ length: itemsMax + 2 }, (_, i) => `a${i}@acme.test`),
    });
    await call('queue.delete', { tenant: 'acme', sender: 'x@acme.test', withBounce: true });
    await call('webhook.rotate', { id: 4 });
    const entries = await entriesOf(audit);
    assert.deepEqual(
      entries.map(({ act, outcome, tenant, of }) => [act, outcome, tenant, of]),
      [
        ['account.create', 'begun', acme.id, undefined],
        ['account.create', 'done', acme.id, 1],
        ['queue.delete', 'begun', acme.id, undefined],
        ['queue.delete', 'done', acme.id, 3],
        ['webhook.rotate', 'begun', acme.id, undefined],
        ['webhook.rotate', 'done', acme.id, 5],
      ],
    );
    const sendAs = 'a0@acme.test a1@acme.test a2@acme.test a3@acme.test a4@acme.test a5@acme.test';
    assert.deepEqual(entries[1]!.details, {
      quotaBytes: 5,
      sendAs: `${sendAs} a6@acme.test a7@acme.test and 2 more`,
    });
    assert.deepEqual(entries[3]!.details, { sender: 'x@acme.test', withBounce: true, count: 12 });
    for (const secret of ['hunter2', 'whsec', 'secretToCome']) {
      assert.ok(!JSON.stringify(entries).includes(secret), secret);
    }
  });

  it('are not begun while no entry can be written, and are where settings say so', async () => {
    let done = 0;
    const handlers: ControlHandlers = {
      'tenant.create': () => {
        done++;
        return {} as never;
      },
      'tenant.list': () => ({ tenants: [] }),
    };
    const strict = await world(handlers);
    strict.audit.isFailing = true;
    await assert.rejects(strict.call('tenant.create', { name: 'x' }), (error: MailError) => {
      assert.equal(error.code, 'store-failed');
      assert.match(error.detail, /^not done: the audit log cannot be written/);
      return true;
    });
    await strict.call('tenant.list', {});
    assert.equal(done, 0);
    const lenient = await world(handlers, false);
    lenient.audit.isFailing = true;
    await lenient.call('tenant.create', { name: 'x' });
    assert.equal(done, 1);
    lenient.audit.isFailing = false;
    await lenient.clock.pass(6_000, 500);
    assert.deepEqual(await lenient.told(), ['tenant.create done tenant x']);
  });

  it('are answered as done where only their end cannot be written, which follows when it can', async () => {
    const { call, audit, clock, told } = await world({
      'tenant.create': () => {
        audit.isFailing = true;
        return {} as never;
      },
    });
    await call('tenant.create', { name: 'x' });
    assert.deepEqual(await told(), ['tenant.create begun tenant x']);
    audit.isFailing = false;
    await clock.pass(6_000, 500);
    assert.deepEqual(await told(), ['tenant.create begun tenant x', 'tenant.create done tenant x']);
  });

  it('are recorded as refused or failed, with a code and no words of arguments', async () => {
    const fail = (code: 'permission-missing' | 'not-found') => () => {
      throw new MailError(code, 'because of hunter2');
    };
    const { call, told } = await world({
      'tenant.set': fail('permission-missing'),
      'tenant.list': fail('permission-missing'),
      'domain.show': fail('not-found'),
      'domain.delete': fail('not-found'),
    });
    for (const method of ['tenant.set', 'tenant.list', 'domain.show', 'domain.delete'] as const) {
      await assert.rejects(call(method, { name: 'acme' }), /hunter2/);
    }
    assert.deepEqual(await told(), [
      'tenant.set begun tenant acme',
      'tenant.set refused permission-missing tenant acme',
      'tenant.list refused permission-missing',
      'domain.delete begun domain acme',
      'domain.delete failed not-found domain acme',
    ]);
  });

  it("are a tenant's own where one of it acts, whomever they are aimed at", async () => {
    const { call, audit } = await world({ 'domain.delete': () => ({}) });
    const by: AskedBy = {
      peer: '192.0.2.1',
      principal: {
        ...{ kind: 'account', tenant: tenantId(99), account: accountId(1) },
        ...{ address: 'eve@else.test', session: 1, secondFactorMs: 0 },
      },
    };
    await call('domain.delete', { name: 'acme.test' }, by);
    const [entry] = await entriesOf(audit);
    assert.deepEqual(
      [entry!.principal, entry!.tenant, entry!.peer],
      ['account eve@else.test', 99, '192.0.2.1'],
    );
  });

  it('of the server name settings that were read again, and no value', async () => {
    const { desk, told, audit } = await world({});
    const deeds = serverDeeds({ desk, isStrict: true });
    await deeds.started('1.2.3');
    await deeds.reload(async () => ({ applied: ['smtp.idleMsMax'], needRestart: ['hostname'] }))(
      {},
    );
    await assert.rejects(deeds.reload(async () => Promise.reject(new Error('bad key')))({}));
    await deeds.stopping();
    assert.deepEqual(await told(), [
      'server.start done',
      'settings.reload begun',
      'settings.reload done',
      'settings.reload begun',
      'settings.reload failed store-failed',
      'server.stop done',
    ]);
    const entries = await entriesOf(audit);
    assert.deepEqual(entries[2]!.details, { applied: 'smtp.idleMsMax', needRestart: 'hostname' });
  });

  it('name no parameter that holds a secret or mail, and only ones that are there', () => {
    const forbidden = /password|secret|body|url|token|code|^messages$|entries|header|text/i;
    for (const [method, { on, keeps = [] }] of Object.entries(actWords)) {
      const { params } = controlActs[method as ControlMethod];
      const known = Object.keys('properties' in params ? (params.properties as object) : {});
      for (const name of [...keeps, ...on.slice(1)] as string[]) {
        assert.ok(known.includes(name), `${method}: ${name}`);
        assert.doesNotMatch(name, forbidden, method);
      }
    }
  });
});
