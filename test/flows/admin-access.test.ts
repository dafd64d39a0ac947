/**
 * Aim: over REST everybody does and sees what they were given, in their own tenant: what is another's is as what is not
 * there. Method: a real server with two tenants, asked by accounts of several roles and by API keys.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { minuteMs } from '../../src/base/units.ts';
import { type RestCall, rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse battery staple';
const people = {
  owner: 'owner@acme.test',
  domainAdmin: 'domain@acme.test',
  auditor: 'auditor@acme.test',
  user: 'user@acme.test',
  boss: 'boss@other.test',
};
type Person = keyof typeof people;

let server: TestServer;
const tokens = {} as Record<Person, string>;
const keys: Record<string, string> = {};
const ask = (place: string, call?: RestCall) => rest(server, place, call);
const as = (who: Person, place: string, body?: unknown) =>
  ask(place, { token: tokens[who], ...(body === undefined ? {} : { body }) });

async function logIn(who: Person) {
  const body = { name: people[who], password };
  const { value, text } = await ask('POST /api/v1/token', { token: '', body });
  assert.ok(value.accessToken, text);
  tokens[who] = value.accessToken;
}

async function accountOf(who: Person) {
  return (await server.server.identity.directory.accountByAddress(people[who]))!;
}

before(async () => {
  server = await startTestServer({ 'listen.http': '127.0.0.1:0' });
  for (const tenant of ['acme', 'other']) {
    await server.call('tenant.create', { name: tenant });
    for (const name of [`${tenant}.test`, `second.${tenant}.test`]) {
      await server.call('domain.create', { name, tenant, signWith: ['ed25519-sha256'] });
    }
    await server.call('alias.set', {
      ...{ address: `info@${tenant}.test`, targets: [`x@${tenant}.test`], mustBeNew: true },
    });
    const made = await server.call('key.create', { tenant, scopes: ['webhooks'] });
    keys[tenant] = made.secret;
  }
  for (const who of Object.keys(people) as Person[]) {
    await server.call('account.create', { address: people[who], password });
    await logIn(who);
  }
  const given = { owner: 'owner', domainAdmin: 'domain-admin', auditor: 'auditor', boss: 'owner' };
  for (const [who, role] of Object.entries(given)) {
    const { id: account, tenant } = await accountOf(who as Person);
    const where = who === 'domainAdmin' ? { domains: ['acme.test'] } : {};
    const grant = { tenant, account, role, ...where, createdMs: 1, by: 'test' };
    await server.server.identity.roles.grant(grant);
  }
});

after(async () => await server[Symbol.asyncDispose]());

describe('a foreign tenant', () => {
  const pairs: readonly (readonly [string, string, string, unknown?])[] = [
    ['GET /api/v1/domains/', 'other.test', 'missing.test'],
    ['DELETE /api/v1/domains/', 'second.other.test', 'missing.test'],
    ['GET /api/v1/accounts/', 'boss@other.test', 'boss@missing.test'],
    ['GET /api/v1/accounts/', 'boss@other.test', 'nobody@acme.test'],
    ['PATCH /api/v1/accounts/', 'boss@other.test', 'nobody@acme.test', { isEnabled: false }],
    ['DELETE /api/v1/accounts/', 'boss@other.test', 'nobody@acme.test'],
    ['GET /api/v1/accounts/', 'boss@other.test/mailboxes', 'nobody@acme.test/mailboxes'],
    ['GET /api/v1/aliases/', 'info@other.test', 'info@missing.test'],
    ['GET /api/v1/tenants/', 'other/webhooks', 'missing/webhooks'],
    ['GET /api/v1/tenants/', 'other/suppressions', 'missing/suppressions'],
    ['POST /api/v1/tenants/', 'other/keys', 'missing/keys', { scopes: ['send'] }],
    ['DELETE /api/v1/keys/', '2', '999'],
    ['GET /api/v1/keys?tenant=', 'other', 'missing'],
    ['GET /api/v1/queue?limit=5&tenant=', 'other', 'missing'],
    ['GET /api/v1/sessions?account=', 'boss@other.test', 'nobody@acme.test'],
    ['DELETE /api/v1/sessions/1?account=', 'boss@other.test', 'nobody@acme.test'],
  ];
  for (const [place, foreign, missing, body] of pairs) {
    test(`${place}${foreign} is as one that is not there`, async () => {
      const theirs = await as('owner', place + foreign, body);
      const nobodys = await as('owner', place + missing, body);
      assert.deepEqual([theirs.status, theirs.text], [nobodys.status, nobodys.text]);
      assert.equal(theirs.status, 404, theirs.text);
    });
  }

  test('is in no list', async () => {
    for (const place of ['tenants', 'domains', 'accounts', 'aliases', 'keys']) {
      const { status, text } = await as('owner', `GET /api/v1/${place}`);
      assert.equal(status, 200, `${place}: ${text}`);
      assert.match(text, /acme/, place);
      assert.doesNotMatch(text, /other/, place);
    }
  });

  test('lends nobody its names to send by', async () => {
    const place = 'PATCH /api/v1/accounts/user@acme.test';
    for (const name of ['boss@other.test', '*@other.test', '*@missing.test']) {
      const refused = await as('owner', place, { sendAs: [name] });
      assert.deepEqual([refused.status, refused.value.error.code], [400, 'argument-invalid'], name);
    }
    const own = await as('owner', place, { sendAs: ['*@second.acme.test'] });
    assert.equal(own.status, 200, own.text);
  });

  test('is not reached by a key either', async () => {
    const shown = (tenant: string) =>
      ask(`GET /api/v1/tenants/${tenant}/webhooks`, { token: keys.acme! });
    assert.deepEqual((await shown('acme')).value, { webhooks: [] });
    const theirs = await shown('other');
    assert.deepEqual([theirs.status, theirs.text], [404, (await shown('missing')).text]);
  });
});

describe('roles', () => {
  test('what is of the server is nobody’s but an operator’s', async () => {
    const places = ['server', 'sources', 'server/events', 'trace?of=x', 'shaping/suspensions'];
    for (const place of places) {
      const { status, value } = await as('owner', `GET /api/v1/${place}`);
      assert.deepEqual([status, value.error.code], [403, 'permission-missing'], place);
    }
    const made = await as('owner', 'POST /api/v1/tenants', { name: 'mine' });
    assert.equal(made.status, 403);
  });

  test('an owner makes an account, an auditor looks, a user does neither', async () => {
    const body = { address: 'new@acme.test' };
    assert.equal((await as('owner', 'POST /api/v1/accounts', body)).status, 201);
    assert.equal((await as('auditor', 'GET /api/v1/accounts/new@acme.test')).status, 200);
    const changed = await as('auditor', 'PATCH /api/v1/accounts/new@acme.test', { quotaBytes: 1 });
    assert.equal(changed.status, 403);
    assert.equal((await as('user', 'POST /api/v1/accounts', body)).status, 403);
    assert.equal((await as('user', 'GET /api/v1/accounts/new@acme.test')).status, 403);
  });

  test('a domain’s admin acts in that domain', async () => {
    const own = await as('domainAdmin', 'GET /api/v1/accounts?domain=acme.test');
    assert.equal(own.status, 200);
    const second = await as('domainAdmin', 'GET /api/v1/accounts?domain=second.acme.test');
    assert.equal(second.status, 403);
  });

  test('a domain’s admin sees of all lists what is in that domain', async () => {
    const body = { address: 'far@second.acme.test' };
    assert.equal((await as('owner', 'POST /api/v1/accounts', body)).status, 201);
    const shown = async (place: string) => {
      const { status, value, text } = await as('domainAdmin', `GET /api/v1/${place}`);
      assert.equal(status, 200, text);
      return JSON.stringify(value);
    };
    for (const place of ['domains', 'accounts', 'aliases']) {
      assert.match(await shown(place), /acme\.test/, place);
      assert.doesNotMatch(await shown(place), /far@second|"second|other/, place);
    }
    assert.match((await as('owner', 'GET /api/v1/accounts')).text, /far@second\.acme/);
    assert.equal((await as('domainAdmin', 'GET /api/v1/keys')).status, 403);
  });

  test('an app password of somebody else wants a reason, as all that opens mail', async () => {
    const place = 'POST /api/v1/accounts/user@acme.test/app-passwords';
    const body = { name: 'mine', scopes: ['imap'] };
    const refused = await as('owner', place, body);
    assert.deepEqual([refused.status, refused.value.error.code], [403, 'reason-required']);
    assert.equal((await as('user', place, body)).status, 201);
  });

  test('a tenant holds its own mail back, and ends what it began', async () => {
    const place = 'POST /api/v1/queue/suspensions';
    assert.equal((await as('owner', place, { domain: 'far.test' })).status, 403);
    assert.equal((await as('owner', place, { tenant: 'other' })).status, 404);
    assert.equal((await as('domainAdmin', place, { tenant: 'acme' })).status, 403);
    const { value } = await as('owner', place, { tenant: 'acme', domain: 'far.test' });
    assert.equal(value.rule.filter.tenant.name, 'acme');
    const theirs = await server.call('queue.suspend', {
      ...{ tenant: 'other', untilMs: 0, note: '' },
    });
    const own = await server.call('queue.suspend', { tenant: 'acme', untilMs: 0, note: '' });
    const list = await as('owner', 'GET /api/v1/queue/suspensions');
    const ids = (list.value.rules as { id: number }[]).map(({ id }) => id);
    assert.deepEqual(ids, [value.rule.id, own.rule.id]);
    const end = async (id: number) =>
      (await as('owner', `DELETE /api/v1/queue/suspensions/${id}`)).status;
    assert.equal(await end(theirs.rule.id), 404);
    assert.equal(await end(own.rule.id), 403, 'an operator began it');
    assert.equal(await end(value.rule.id), 200);
    for (const { rule } of [theirs, own]) await server.call('queue.resume', { id: rule.id });
  });

  test('everybody sees and ends sessions of their own', async () => {
    const { value } = await as('user', 'GET /api/v1/sessions');
    const [session] = value.sessions;
    assert.deepEqual([value.sessions.length, session.isAsking], [1, true]);
    assert.equal((await as('user', `GET /api/v1/sessions?account=${people.owner}`)).status, 403);
    assert.equal((await as('user', `DELETE /api/v1/sessions/${session.id}`)).status, 200);
    assert.equal((await as('user', 'GET /api/v1/sessions')).status, 401);
    await logIn('user');
  });

  test('what was taken back is gone with the next request', async () => {
    const auditor = await accountOf('auditor');
    assert.equal((await as('auditor', 'GET /api/v1/domains/acme.test')).status, 200);
    await server.server.identity.roles.revoke(auditor, 'auditor');
    assert.equal((await as('auditor', 'GET /api/v1/domains/acme.test')).status, 403);
  });
});

test('a sensitive act wants a second factor that was shown lately', async () => {
  const owner = await accountOf('owner');
  const { credentials, secondFactors } = server.server.identity;
  const secret = new Secret({ size: 20 });
  const row = { name: 'phone', secret: Buffer.from(secret.bytes).toString('base64') };
  const { id } = await secondFactors.addTotp(owner, { ...row, createdMs: 1 });
  await secondFactors.useTotp(owner, id, 1);
  const [session] = await credentials.sessions(owner);
  await credentials.noteSecondFactor(owner, session!.id, Date.now() - 11 * minuteMs);
  const change = () =>
    as('owner', 'PUT /api/v1/accounts/user@acme.test/password', { password: 'another one 42' });
  const refused = await change();
  assert.equal(refused.value.error.code, 'second-factor-required');
  assert.equal((await as('owner', 'GET /api/v1/domains')).status, 200, 'others do not');
  const secondFactor = new TOTP({ secret }).generate();
  const shown = await as('owner', 'POST /api/v1/token/second-factor', { secondFactor });
  assert.equal(shown.status, 200, shown.text);
  assert.equal((await change()).status, 200);
});
