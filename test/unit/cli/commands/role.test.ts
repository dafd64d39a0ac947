/** Aim: commands about roles and access ask what their words say. Method: handlers that note what they were asked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlHandlers, ControlMethod } from '../../../../src/actors/asks/control.ts';
import { runCli } from '../run-cli.ts';

async function asked(line: readonly string[], method: ControlMethod, answer: unknown) {
  let params: unknown;
  const handlers = {
    [method]: (given: unknown) => {
      params = given;
      return answer;
    },
  } as ControlHandlers;
  return { ...(await runCli(line, { handlers })), params };
}

const grant = { account: 'ann@a.test', role: 'owner', createdMs: 0, by: 'operator' };
const role = { name: 'desk', isBuiltIn: false, permissions: ['account.read', 'alias.read'] };
const request = {
  ...{ id: 7, account: 'ann@a.test', asker: 'bob@a.test', reason: 'case 4711' },
  ...{ createdMs: 0, expiresMs: 1, consentBy: 'operator' },
};

test('role list shows roles and who has them', async () => {
  const answer = { roles: [role], grants: [grant] };
  const json = await asked(['role', 'list', '--tenant', 'acme', '--json'], 'role.list', answer);
  assert.deepEqual([json.params, JSON.parse(json.out)], [{ tenant: 'acme' }, answer]);
  const { out } = await asked(['role', 'list'], 'role.list', answer);
  assert.match(out, /^desk +own +account\.read alias\.read$/m);
  assert.match(out, /^ann@a\.test +owner +everywhere +\S+ +operator$/m);
});

test('role grant names the domains it is for', async () => {
  const line = 'role grant ann@a.test --role domain-admin --domain a.test,b.test'.split(' ');
  const made = await asked(line, 'role.grant', { grant: { ...grant, domains: ['a.test'] } });
  const domains = ['a.test', 'b.test'];
  assert.deepEqual(made.params, { account: 'ann@a.test', role: 'domain-admin', domains });
  assert.match(made.out, /^where: +a\.test$/m);
  const all = await asked(['role', 'grant', 'ann@a.test', '--role', 'owner'], 'role.grant', {
    grant,
  });
  assert.deepEqual(all.params, { account: 'ann@a.test', role: 'owner' });
});

test('role revoke, create and delete ask for what their words say', async () => {
  const revoked = await asked(
    ['role', 'revoke', 'ann@a.test', '--role', 'owner'],
    'role.revoke',
    {},
  );
  assert.deepEqual(revoked.params, { account: 'ann@a.test', role: 'owner' });
  const line = 'role create desk --tenant acme --permission account.read --permission alias.read';
  const made = await asked([...line.split(' '), '--json'], 'role.create', { role });
  const { name, permissions } = role;
  assert.deepEqual(made.params, { tenant: 'acme', name, permissions });
  assert.deepEqual(JSON.parse(made.out), role);
  const gone = await asked(['role', 'delete', 'desk'], 'role.delete', {});
  assert.deepEqual(gone.params, { tenant: 'default', name: 'desk' });
});

test('access is asked for with a reason and agreed to by number', async () => {
  const line = ['access', 'request', 'ann@a.test', '--reason', 'case 4711', '--for', '2h'];
  const made = await asked(line, 'access.request', { request });
  const wanted = { account: 'ann@a.test', reason: 'case 4711', forMs: 7_200_000 };
  assert.deepEqual(made.params, wanted);
  const agreed = await asked(['access', 'consent', 'ann@a.test', '7'], 'access.consent', {
    request,
  });
  assert.deepEqual(agreed.params, { account: 'ann@a.test', id: 7 });
  assert.match(agreed.out, /^agreed by: +operator$/m);
  const list = await asked(['access', 'list', 'ann@a.test'], 'access.list', {
    requests: [request],
  });
  assert.match(list.out, /^ *7 +bob@a\.test .* case 4711$/m);
});

test('role and access commands without their words are not understood', async () => {
  for (const line of [
    ['role', 'grant', 'ann@a.test'],
    ['role', 'revoke', 'ann@a.test'],
    ['role', 'create', 'desk'],
    ['access', 'request', 'ann@a.test'],
    ['access', 'consent', 'ann@a.test', 'x'],
  ]) {
    assert.equal((await runCli(line, { handlers: {} })).code, 2, line.join(' '));
  }
});
