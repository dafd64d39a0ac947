/** Aim: commands of groups, shared mailboxes and inherited limits ask what they say. Method: as of `commands.test.ts`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked } from '../asked.ts';

const account = {
  address: 'ann@example.org',
  id: 7,
  tenant: 0,
  shard: 3,
  isEnabled: true,
  hasPassword: true,
  isShared: false,
  inherits: [],
  quotaBytes: 0,
  quotaMessages: 0,
  sendAs: [],
  createdMs: 0,
};
const domain = { name: 'example.org', tenant: 0, createdMs: 0, accountCount: 1, aliasCount: 0 };

test('group create names its members and who may write to it; others say what they change', async () => {
  const group = {
    ...{ address: 'sales@example.org', id: 1, tenant: 0, senders: 'members' },
    ...{ memberCount: 1, accountCount: 3, createdMs: 0 },
  };
  const { address } = group;
  const line = ['group', 'create', address, 'ann@example.org', '--senders', 'members'];
  const made = await asked(line, 'group.create', { group });
  assert.deepEqual(made.params, { address, senders: 'members', members: ['ann@example.org'] });
  assert.match(made.out, /written to by: +members/);
  const wrong = await asked(['group', 'set', address, '--senders', 'all'], 'group.set', { group });
  assert.equal(wrong.code, 2);
  const shown = await asked(['group', 'show', address], 'group.show', {
    ...{ group, members: [{ kind: 'account', address: 'ann@example.org' }], groups: [] },
    roles: [{ role: 'domain-admin', domains: ['example.org'], createdMs: 0, by: 'operator' }],
  });
  assert.match(shown.out, /accounts: +3/);
  assert.match(shown.out, /roles: +domain-admin example\.org/);
  assert.match(shown.out, /^ann@example\.org +account$/m);
  const grant = ['group', 'grant', address, '--role', 'domain-admin', '--domain', 'example.org'];
  const role = { role: 'domain-admin', domains: ['example.org'], createdMs: 0, by: 'operator' };
  const granted = await asked(grant, 'group.grant', { role });
  const wanted = { address, role: 'domain-admin', domains: ['example.org'] };
  assert.deepEqual(granted.params, wanted);
  const left = await asked(['group', 'remove', address, 'ann@example.org'], 'group.remove', {});
  assert.deepEqual(left.params, { address, member: 'ann@example.org' });
});

test('a shared mailbox is made without a password, and given to members one by one', async () => {
  const made = { ...account, isShared: true, hasPassword: false };
  const line = ['account', 'create', 'ann@example.org', '--shared'];
  const created = await asked(line, 'account.create', { account: made });
  assert.deepEqual(created.params, { address: 'ann@example.org', isShared: true });
  assert.match(created.out, /shared: +yes: nobody logs in/);
  const mailboxes = [{ mailbox: 'Sent', rights: 'lrsw' }];
  const known = { member: 'group:desk@example.org', rights: 'lrs', sendsAs: true };
  const reader = { ...known, mailboxes, moreCount: 2 };
  const grant = ['shared', 'grant', 'ann@example.org', 'desk@example.org', '--send-as'];
  const granted = await asked([...grant, '--rights', 'read'], 'shared.grant', { reader });
  const params = { address: 'ann@example.org', member: 'desk@example.org', rights: 'read' };
  assert.deepEqual(granted.params, { ...params, sendsAs: true });
  assert.match(granted.out, /group:desk@example\.org +all +lrs +yes/);
  assert.match(granted.out, /group:desk@example\.org +Sent +lrsw\s/);
  assert.match(granted.out, /group:desk@example\.org +and 2 more\s/);
  const wrong = await asked([...grant, '--rights', 'all'], 'shared.grant', { reader });
  assert.equal(wrong.code, 2);
  const revoke = ['shared', 'revoke', 'ann@example.org', 'bob@example.org'];
  const revoked = await asked(revoke, 'shared.revoke', { left: [reader] });
  assert.match(revoked.out, /bob@example\.org has rights still, by:\s+MEMBER.*\s+group:desk/);
});

test('limits of levels are set, left to the level above, and shown with where they come from', async () => {
  const shown = { ...domain, accountQuotaBytes: 5 * 1024 ** 3, accountsMax: 200 };
  const line = ['domain', 'set', 'example.org', '--account-quota', '5GiB', '--accounts-max', '200'];
  const set = await asked(line, 'domain.set', { domain: shown });
  const given = { accountQuotaBytes: 5 * 1024 ** 3, accountsMax: 200 };
  assert.deepEqual(set.params, { name: 'example.org', ...given });
  assert.match(set.out, /accounts at most: +200/);
  assert.match(set.out, /messages of accounts: +inherited/);
  const tenant = { id: 1, name: 'acme', createdMs: 0 };
  const left = [
    'tenant',
    'set',
    'acme',
    '--account-quota',
    'inherit',
    '--account-quota-messages',
    '0',
  ];
  const tenantSet = await asked(left, 'tenant.set', { tenant });
  const wanted = { name: 'acme', accountQuotaMessages: 0, inherit: ['accountQuotaBytes'] };
  assert.deepEqual(tenantSet.params, wanted);
  const heir = ['account', 'set', account.address, '--quota', 'inherit'];
  const accountSet = await asked(heir, 'account.set', { account });
  assert.deepEqual(accountSet.params, { address: account.address, inherit: ['quotaBytes'] });
  const limits = [
    { name: 'quotaBytes', value: 5, from: 'domain' },
    { name: 'quotaMessages', value: 0, from: 'server' },
  ];
  const look = ['account', 'show', account.address];
  const told = await asked(look, 'account.show', { account, aliases: [], limits });
  assert.match(told.out, /limits by: +quotaBytes: domain, quotaMessages: server/);
  assert.equal((await asked(['domain', 'set', 'example.org'], 'domain.set', {})).code, 2);
  const looked = await asked(['tenant', 'show', 'acme'], 'tenant.show', {
    tenant,
    accountCount: 4,
  });
  assert.match(looked.out, /^accounts: +4$/m);
});
