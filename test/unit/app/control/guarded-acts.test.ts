/**
 * Aim: nobody does what they may not, and nobody learns of another tenant.
 * Method: the table of roles × acts × resources is made from the rules of acts, and each cell is asked of the real
 *         guard over a directory in memory; handlers only say that they were reached. What each role has is written
 *         down here once more, by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControlHandlers, ControlMethod } from '../../../../src/actors/asks/control.ts';
import type { Principal } from '../../../../src/actors/asks/principal.ts';
import { createMemoryIdentity } from '../../../../src/adapters/memory/memory-directory.ts';
import { guardedActs } from '../../../../src/app/control/guarded-acts.ts';
import { apiKeyId } from '../../../../src/base/ids.ts';
import { minuteMs } from '../../../../src/base/units.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { policyDefault } from '../../../../src/ports/log-in-policy.ts';
import { accountRow, domainRow } from '../../../contracts/directory-rows.ts';
import {
  everything,
  expected,
  type Place,
  paramsFor,
  places,
  roles,
  rules,
  wanted,
} from '../../../support/act-table.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const opensMail: readonly string[] = [
  'mail.read',
  'mail.change',
  'app-password.create',
  'queue.server',
];
/** Looks that are for operators, or for those who may do more. */
const looksByMore: readonly string[] = ['queue.server'];

async function world() {
  const identity = createMemoryIdentity();
  const { directory, credentials, roles: store } = identity;
  const clock = new SeededClock();
  const acme = await directory.createTenant({ name: 'acme', createdMs: 1 });
  const rival = await directory.createTenant({ name: 'rival', createdMs: 1 });
  for (const [name, { id: tenant }] of [
    ['acme.test', acme],
    ['more.test', acme],
    ['rival.test', rival],
  ] as const) {
    await directory.putDomain(domainRow(name, { tenant }));
  }
  const make = (address: string, { id: tenant }: typeof acme) =>
    directory.createAccount(accountRow(address, { tenant }));
  const accounts = new Map<string, Account>();
  for (const role of roles) {
    const account = await make(`${role}@acme.test`, acme);
    accounts.set(role, account);
    if (role === 'user') continue;
    const { tenant, id } = account;
    const domains = role === 'domain-admin' ? { domains: ['acme.test'] } : {};
    await store.grant({ tenant, account: id, role, createdMs: 1, by: 'operator', ...domains });
  }
  await make('peer@acme.test', acme);
  await make('far@more.test', acme);
  await make('eve@rival.test', rival);
  const keyOf = async ({ id: tenant }: typeof acme) =>
    (
      await directory.createApiKey({
        ...{ tenant, name: '', scopes: ['send'], hash: 'a'.repeat(64) },
        ...{ messagesPerMinuteMax: 0, createdMs: 1 },
      })
    ).id;
  const keys = { own: await keyOf(acme), foreign: await keyOf(rival) };
  const heldBy = async ({ id, name }: typeof acme) =>
    (
      await directory.createHoldRule({
        ...{ filter: { tenant: { id, name } }, createdMs: 1, untilMs: 0, note: '' },
      })
    ).id;
  const holds = { own: await heldBy(acme), foreign: await heldBy(rival) };
  const principals = new Map<string, Principal>();
  for (const [role, account] of accounts) {
    const nowMs = clock.nowMs();
    const session = await credentials.createSession(account, {
      ...{ device: '', address: '', createdMs: nowMs, refreshHash: 'a'.repeat(64) },
      ...{ expiresMs: nowMs + 1e9, secondFactorMs: 0 },
    });
    const { tenant, id, address } = account;
    principals.set(role, {
      ...{ kind: 'account', tenant, account: id, address, session: session.id },
      secondFactorMs: 0,
    });
  }
  const reached: unknown[] = [];
  const handlers = Object.fromEntries(
    rules.map(([method]) => [method, async (params: unknown) => void reached.push(params)]),
  ) as unknown as ControlHandlers;
  const act = guardedActs({ identity, clock, refused: () => {} }, () => handlers);
  const ask = async (principal: Principal, method: ControlMethod, params: object) => {
    const before = reached.length;
    try {
      await act(method, params, { by: { principal, peer: '' } } as never);
      return reached.length === before + 1 ? 'done' : 'not reached';
    } catch (error) {
      assert.equal(reached.length, before, 'what is refused is not done');
      return (error as { code: string }).code;
    }
  };
  return { identity, clock, acme, rival, keys, holds, accounts, principals, ask };
}

describe('acts under guard', () => {
  it('each role does each act to each resource as declared, and nothing else', async () => {
    const one = await world();
    let cells = 0;
    for (const role of roles) {
      const principal = one.principals.get(role)!;
      for (const [method, rule] of rules) {
        for (const place of rule.resource === 'server' ? (['unnamed'] as const) : places) {
          const params = paramsFor(rule, place, role, one);
          if (params === undefined) continue;
          cells++;
          const answer = await one.ask(principal, method, params);
          const cell = `${role}: ${method} of ${place} ${rule.resource}`;
          if (rule.gives !== undefined && place !== 'foreign' && place !== 'absent') {
            // What may be given is judged below.
            assert.ok(['done', 'permission-missing'].includes(answer), cell);
            if (answer === 'done') assert.equal(wanted(rule, place, role), 'done', cell);
            continue;
          }
          assert.equal(answer, wanted(rule, place, role), cell);
        }
      }
    }
    assert.ok(cells > 1_000, `only ${cells} cells`);
  });

  it('what acts ask for is what is written down by hand, and as they change things or look', () => {
    const asked = rules.filter(([, { resource }]) => resource !== 'server');
    const permissions = new Set(asked.map(([, { permission }]) => permission));
    assert.deepEqual([...permissions].sort(), [...everything].sort());
    const given = new Set(Object.values(expected).flat());
    for (const permission of given) assert.ok(permissions.has(permission), permission);
    for (const [method, { permission, kind }] of rules) {
      const isRead = permission.endsWith('.read');
      if (kind === 'change') assert.ok(!isRead, `${method} changes things by ${permission}`);
      if (kind === 'look') assert.ok(isRead || looksByMore.includes(permission), method);
      if (kind === 'mail') assert.ok(opensMail.includes(permission), method);
    }
  });

  it('each act is refused to somebody, and done for somebody', () => {
    const numbers = { own: 1, foreign: 2 };
    for (const [method, rule] of rules) {
      if (rule.resource === 'server') continue;
      const told = new Set<string>();
      for (const role of roles) {
        for (const place of places) {
          const params = paramsFor(rule, place, role, { keys: numbers, holds: numbers });
          if (params !== undefined) told.add(wanted(rule, place, role));
        }
      }
      assert.ok(told.has('done'), `${method} is done for nobody`);
      assert.ok(told.has('permission-missing') || told.has('reason-required'), method);
      assert.ok(told.has('not-found') || rule.at === undefined, `${method} knows no wall`);
    }
  });

  it('an operator does everything, everywhere', async () => {
    const one = await world();
    for (const [method, rule] of rules) {
      for (const place of places) {
        const params = paramsFor(rule, place, 'user', one);
        if (params === undefined) continue;
        assert.equal(await one.ask({ kind: 'operator' }, method, params), 'done', method);
      }
    }
  });

  it('of another tenant’s thing and of none the answer is the same', async () => {
    const one = await world();
    for (const [method, rule] of rules.filter(([, { at }]) => at !== undefined)) {
      for (const role of roles) {
        const told = async (place: Place) => {
          const params = paramsFor(rule, place, role, one)!;
          return await one.ask(one.principals.get(role)!, method, params);
        };
        assert.equal(await told('foreign'), await told('absent'), `${role}: ${method}`);
      }
    }
  });

  it('sensitive acts want a second factor again, and none of a program', async () => {
    const one = await world();
    one.clock.advance(11 * minuteMs);
    const owner = one.principals.get('owner')!;
    const key: Principal = {
      ...{ kind: 'api-key', tenant: one.acme.id, key: apiKeyId(1) },
      scopes: ['send', 'suppression', 'events', 'webhooks'],
    };
    for (const [method, rule] of rules) {
      if (rule.resource === 'server' || rule.isSensitive !== true || rule.gives !== undefined)
        continue;
      const params = paramsFor(rule, 'own', 'owner', one)!;
      assert.equal(await one.ask(owner, method, params), 'second-factor-required', method);
      assert.equal(await one.ask(key, method, params), 'permission-missing', method);
    }
    const account = one.accounts.get('owner')!;
    const { id } = await one.identity.secondFactors.addTotp(account, {
      ...{ name: '', secret: 'c2VjcmV0IG9mIHRvdHA=', createdMs: 1 },
    });
    await one.identity.secondFactors.useTotp(account, id, 1);
    assert.ok(owner.kind === 'account');
    const show = { account: 'owner@acme.test' };
    assert.equal(await one.ask(owner, 'mailbox.export', show), 'second-factor-required');
    const nowMs = one.clock.nowMs();
    await one.identity.credentials.noteSecondFactor(account, owner.session, nowMs);
    assert.equal(await one.ask(owner, 'mailbox.export', show), 'done');
  });

  it('an API key does what its scopes say, in its tenant', async () => {
    const one = await world();
    const { id: tenant } = one.acme;
    const key = (scopes: readonly string[]): Principal => ({
      ...{ kind: 'api-key', tenant, key: apiKeyId(1), scopes },
    });
    const full = key(['send', 'suppression', 'events', 'webhooks']);
    const allowed = ['suppression.read', 'suppression.change', 'webhook.read', 'webhook.change'];
    for (const [method, rule] of rules) {
      const params = paramsFor(rule, 'own', 'user', one) ?? {};
      const isAllowed = allowed.includes(rule.permission) && rule.isSensitive !== true;
      const wantedAnswer = isAllowed ? 'done' : 'permission-missing';
      assert.equal(await one.ask(full, method, params), wantedAnswer, method);
      assert.equal(await one.ask(key([]), method, params), 'permission-missing', method);
    }
    const foreign = { tenant: 'rival' };
    assert.equal(await one.ask(full, 'suppression.list', foreign), 'not-found');
  });

  it('nobody takes an account over whose owner may do more', async () => {
    const one = await world();
    const ask = (role: string, of: string) =>
      one.ask(one.principals.get(role)!, 'account.password', { address: `${of}@acme.test` });
    const may: Readonly<Record<string, readonly string[]>> = {
      owner: roles,
      'tenant-admin': roles.filter((role) => role !== 'owner'),
      'domain-admin': ['domain-admin', 'user'],
      'help-desk': ['help-desk', 'user'],
      auditor: ['auditor'],
      user: ['user'],
    };
    for (const role of roles) {
      for (const of of roles) {
        const wantedAnswer = may[role]!.includes(of) ? 'done' : 'permission-missing';
        assert.equal(await ask(role, of), wantedAnswer, `${role} sets the password of ${of}`);
      }
    }
  });

  it('nobody gives what they do not have', async () => {
    const one = await world();
    const { identity, acme } = one;
    const steward = one.accounts.get('user')!;
    await identity.roles.putRole({
      ...{ tenant: acme.id, name: 'steward', createdMs: 1 },
      permissions: ['role.change', 'role.read', 'account.read'],
    });
    const { tenant, id: account } = steward;
    const given = { tenant, account, role: 'steward', createdMs: 1, by: '' };
    await identity.roles.grant(given);
    const give = (role: string, more: object = {}) =>
      one.ask(one.principals.get('user')!, 'role.grant', {
        ...{ account: 'peer@acme.test', role, ...more },
      });
    assert.equal(await give('steward'), 'done');
    assert.equal(await give('steward', { domains: ['acme.test'] }), 'done');
    for (const role of ['owner', 'tenant-admin', 'help-desk', 'auditor', 'absent']) {
      assert.equal(await give(role), 'permission-missing', role);
    }
    const make = (permissions: readonly string[]) =>
      one.ask(one.principals.get('user')!, 'role.create', {
        ...{ tenant: 'acme', name: 'steward', permissions },
      });
    assert.equal(await make(['account.read']), 'done');
    assert.equal(await make(['account.read', 'mail.read']), 'permission-missing');
    await identity.roles.grant({ ...given, domains: ['acme.test'] });
    assert.equal(await give('steward'), 'permission-missing');
    assert.equal(await give('steward', { domains: ['more.test'] }), 'permission-missing');
    assert.equal(await give('steward', { domains: ['acme.test'] }), 'done');
  });

  it('nobody takes from others what they do not have, by giving them less', async () => {
    const one = await world();
    const { identity, acme } = one;
    const steward = one.accounts.get('user')!;
    const peer = (await identity.directory.accountByAddress('peer@acme.test'))!;
    const role = { tenant: acme.id, createdMs: 1 };
    const permissions = ['role.change', 'role.read', 'account.read'];
    await identity.roles.putRole({ ...role, name: 'steward', permissions });
    await identity.roles.putRole({ ...role, name: 'security', permissions: ['policy.change'] });
    const terms = { tenant: acme.id, role: 'steward', createdMs: 1, by: '' };
    await identity.roles.grant({ ...terms, account: steward.id, domains: ['acme.test'] });
    const ask = (method: ControlMethod, params: object) =>
      one.ask(one.principals.get('user')!, method, params);
    const less = { account: peer.address, role: 'steward', domains: ['acme.test'] };
    assert.equal(await ask('role.grant', less), 'done');
    await identity.roles.grant({ ...terms, account: peer.id });
    assert.equal(await ask('role.grant', less), 'permission-missing', 'it had all of the tenant');

    await identity.roles.grant({ ...terms, account: steward.id });
    const emptied = { tenant: 'acme', name: 'security', permissions: ['account.read'] };
    assert.equal(await ask('role.create', emptied), 'permission-missing');
    assert.equal(await ask('role.create', { ...emptied, name: 'fresh' }), 'done');

    const address = 'desk@acme.test';
    const senders = 'tenant' as const;
    const group = await identity.groups.createGroup({ ...role, address, senders });
    await identity.roles.grant({ ...terms, group: group.id });
    await identity.roles.grant({ ...terms, account: steward.id, domains: ['acme.test'] });
    const narrowed = { address, role: 'steward', domains: ['acme.test'] };
    assert.equal(await ask('group.grant', narrowed), 'permission-missing');
  });

  it('nobody puts people into a group, or takes them out, that may do more than they', async () => {
    const one = await world();
    const { identity, acme } = one;
    const { groups, roles: store } = identity;
    const group = (name: string, domain = 'acme.test') =>
      groups.createGroup({
        ...{ tenant: acme.id, address: `${name}@${domain}`, senders: 'tenant', createdMs: 1 },
      });
    const [plain, inner, desk] = [await group('plain'), await group('inner'), await group('desk')];
    await groups.addMembers(desk, [{ group: inner.id }]);
    const terms = { tenant: acme.id, createdMs: 1, by: 'operator' };
    await store.grant({ ...terms, group: desk.id, role: 'tenant-admin' });
    const admin = one.principals.get('domain-admin')!;
    const change = (role: string, method: ControlMethod, { address }: { address: string }) =>
      one.ask(one.principals.get(role)!, method, {
        ...{ address, members: ['peer@acme.test'], member: 'peer@acme.test' },
      });
    for (const method of ['group.add', 'group.remove', 'group.delete'] as const) {
      assert.equal(await change('domain-admin', method, plain), 'done', method);
      // Whoever is in the inner one is in the outer one.
      for (const each of [inner, desk]) {
        assert.equal(await change('domain-admin', method, each), 'permission-missing', method);
        assert.equal(await change('tenant-admin', method, each), 'done', method);
      }
    }
    const grant = { address: plain.address, role: 'help-desk' };
    assert.equal(await one.ask(admin, 'group.grant', grant), 'permission-missing');
    assert.equal(await one.ask(one.principals.get('owner')!, 'group.grant', grant), 'done');
    // What the group has, its members have; and nobody below them takes them over.
    const peer = (await identity.directory.accountByAddress('peer@acme.test'))!;
    const reset = (role: string) =>
      one.ask(one.principals.get(role)!, 'account.password', { address: peer.address });
    assert.equal(await reset('help-desk'), 'done');
    await groups.addMembers(inner, [{ account: peer.id }]);
    assert.equal(await reset('help-desk'), 'permission-missing');
    assert.equal(await reset('tenant-admin'), 'done');
    const user = one.accounts.get('user')!;
    const list = () => one.ask(one.principals.get('user')!, 'account.list', {});
    assert.equal(await list(), 'permission-missing');
    await groups.addMembers(inner, [{ account: user.id }]);
    assert.equal(await list(), 'done');
    await groups.removeMember(desk, { group: inner.id });
    assert.equal(await list(), 'permission-missing');
  });

  it('nobody gives a key what they do not have', async () => {
    const one = await world();
    const { identity, acme } = one;
    const { tenant, id: account } = one.accounts.get('user')!;
    await identity.roles.putRole({
      ...{ tenant: acme.id, name: 'programs', createdMs: 1 },
      permissions: ['key.change', 'webhook.read', 'webhook.change'],
    });
    await identity.roles.grant({ tenant, account, role: 'programs', createdMs: 1, by: '' });
    const make = (role: string, scopes: readonly string[]) =>
      one.ask(one.principals.get(role)!, 'key.create', { tenant: 'acme', scopes });
    assert.equal(await make('user', ['webhooks']), 'done');
    for (const scope of ['send', 'suppression', 'events', 'absent']) {
      assert.equal(await make('user', [scope]), 'permission-missing', scope);
      assert.equal(await make('user', ['webhooks', scope]), 'permission-missing', scope);
      const isThere = scope !== 'absent';
      const wantedAnswer = isThere ? 'done' : 'permission-missing';
      assert.equal(await make('owner', [scope]), wantedAnswer, scope);
    }
    assert.equal(await make('domain-admin', ['send']), 'permission-missing');
  });

  it('nobody lets an account send for a domain they have no say in', async () => {
    const one = await world();
    const acts = [
      ['account.set', 'peer@acme.test'],
      ['account.create', 'new@acme.test'],
    ] as const;
    for (const [method, address] of acts) {
      const lets = (role: string, ...sendAs: readonly string[]) =>
        one.ask(one.principals.get(role)!, method, { address, sendAs });
      assert.equal(await lets('domain-admin', '*@acme.test'), 'done');
      for (const name of ['*@more.test', 'far@more.test', 'far@MORE.test']) {
        const answer = await lets('domain-admin', 'x@acme.test', name);
        assert.equal(answer, 'permission-missing', `${method} ${name}`);
      }
      assert.equal(await lets('owner', '*@more.test', 'x@acme.test'), 'done');
      for (const name of ['eve@rival.test', '*@absent.test', 'nothing']) {
        assert.equal(await lets('owner', name), 'argument-invalid', name);
        assert.equal(await lets('domain-admin', name), 'argument-invalid', name);
      }
    }
  });

  it('another’s mail is opened with a reason, and with consent where the tenant wants it', async () => {
    const one = await world();
    const { identity, acme, clock } = one;
    const peer = (await identity.directory.accountByAddress('peer@acme.test'))!;
    const admin = one.accounts.get('owner')!;
    const look = () =>
      one.ask(one.principals.get('owner')!, 'mailbox.list', { account: peer.address });
    assert.equal(await look(), 'reason-required');
    const request = await identity.roles.createAccessRequest({
      ...{ tenant: acme.id, account: peer.id, asker: admin.id, reason: 'she is ill' },
      ...{ createdMs: clock.nowMs(), expiresMs: clock.nowMs() + minuteMs },
    });
    assert.equal(await look(), 'done');
    // Whose reason it is, its alone.
    const other = one.principals.get('tenant-admin')!;
    const asked = await one.ask(other, 'mailbox.list', { account: peer.address });
    assert.equal(asked, 'reason-required');
    const policy = policyDefault(acme.id);
    await identity.credentials.putPolicy({
      ...policy,
      logIn: { ...policy.logIn, needsConsent: true },
    });
    assert.equal(await look(), 'consent-required');
    await identity.roles.consent(peer, request.id, peer.id);
    assert.equal(await look(), 'done');
    clock.advance(minuteMs);
    assert.equal(await look(), 'reason-required');
  });

  it('what is taken back is gone at once, and so is who is gone', async () => {
    const one = await world();
    const { identity } = one;
    const principal = one.principals.get('owner')!;
    const list = () => one.ask(principal, 'role.list', { tenant: 'acme' });
    assert.equal(await list(), 'done');
    const owner = one.accounts.get('owner')!;
    await identity.roles.revoke(owner, 'owner');
    assert.equal(await list(), 'permission-missing');
    const show = () => one.ask(principal, 'account.show', { address: 'owner@acme.test' });
    assert.equal(await show(), 'done');
    await identity.directory.putAccount({ ...owner, isEnabled: false });
    assert.equal(await show(), 'credentials-invalid');
    await identity.directory.putAccount(owner);
    assert.equal(await show(), 'done');
    await identity.credentials.deleteSessions(owner);
    assert.equal(await show(), 'credentials-invalid');
  });
});
