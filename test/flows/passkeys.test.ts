/**
 * Aim: over HTTP a passkey is made, named, shown as a second factor, shown alone where the tenant allows it, and
 * forgotten. Method: a real server, and an authenticator in software.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { minuteMs } from '../../src/base/units.ts';
import { Authenticator } from '../support/authenticator.ts';
import { type RestCall, rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const origin = 'https://mail.acme.test';
const password = 'correct horse battery staple';
const name = 'ann@acme.test';
const keys = '/api/v1/accounts/ann@acme.test/passkeys';
const factors = '/api/v1/accounts/ann@acme.test/second-factors';
const authenticator = new Authenticator({ origin });

let server: TestServer;
let token = '';
const ask = (place: string, call: RestCall = {}) => rest(server, place, { token, ...call });

before(async () => {
  server = await startTestServer({ 'listen.http': '127.0.0.1:0', 'public.url': origin });
  await server.call('tenant.create', { name: 'acme' });
  await server.call('domain.create', { name: 'acme.test', tenant: 'acme' });
  await server.call('account.create', { address: name, password });
  const { value } = await logIn();
  token = value.accessToken;
});

after(async () => await server[Symbol.asyncDispose]());

async function logIn(more: Record<string, unknown> = {}) {
  return await ask('POST /api/v1/token', { token: '', body: { name, password, ...more } });
}

async function shown() {
  const { value, text } = await ask('POST /api/v1/token/passkey/options', { token: '', body: {} });
  assert.equal(value.rpId, 'mail.acme.test', text);
  return authenticator.get(value);
}

async function logInByPasskey() {
  const body = { passkey: await shown(), device: 'a test' };
  return await ask('POST /api/v1/token/passkey', { token: '', body });
}

test('a passkey is made after a log-in, and recovery codes come with the first factor', async () => {
  const { value: options } = await ask(`POST ${keys}/options`, { body: {} });
  assert.deepEqual(options.rp, { id: 'mail.acme.test', name: 'mx.test' });
  const body = { name: 'laptop', passkey: authenticator.create(options) };
  const made = await ask(`POST ${keys}`, { body });
  assert.equal(made.status, 200, made.text);
  assert.equal(made.value.recoveryCodes.length, 10);
  const again = await ask(`POST ${keys}`, { body });
  assert.equal(again.status, 403, 'a second factor is asked for now');
  const { value } = await ask(`GET ${factors}`);
  assert.deepEqual(
    value.devices.map((each: { name: string; kind: string }) => [each.name, each.kind]),
    [['laptop', 'passkey']],
  );
});

test('it is the second factor from then on', async () => {
  const without = await logIn();
  assert.deepEqual([without.status, without.value.error.code], [401, 'authentication-required']);
  const passkey = await shown();
  const inside = await logIn({ passkey });
  assert.equal(inside.status, 200, inside.text);
  token = inside.value.accessToken;
  assert.equal((await logIn({ passkey })).status, 401, 'shown twice');
  const both = await logIn({ passkey, secondFactor: '123456' });
  assert.equal(both.status, 400);
});

test('it alone opens nothing before the tenant says so', async () => {
  const refused = await logInByPasskey();
  assert.deepEqual([refused.status, refused.value.error.code], [401, 'credentials-invalid']);
  await server.call('policy.set', {
    ...{ tenant: 'acme', allowsPasskeyAlone: true, needsSecondFactor: true },
  });
  const inside = await logInByPasskey();
  assert.equal(inside.status, 200, inside.text);
  const { value } = await ask('GET /api/v1/sessions', { token: inside.value.accessToken });
  const own = value.sessions.find((each: { isAsking: boolean }) => each.isAsking);
  assert.equal(own.device, 'a test');
  assert.ok(own.secondFactorMs > 0, 'it is two factors');
  await server.call('account.set', { address: name, isEnabled: false });
  assert.equal((await logInByPasskey()).status, 401, 'the account may not log in');
  await server.call('account.set', { address: name, isEnabled: true });
});

test('it is shown again before a sensitive act, which may be to forget it', async () => {
  const { identity } = server.server;
  const account = (await identity.directory.accountByAddress(name))!;
  const { value } = await ask('GET /api/v1/sessions');
  const { id } = value.sessions.find((each: { isAsking: boolean }) => each.isAsking);
  await identity.credentials.noteSecondFactor(account, id, Date.now() - 11 * minuteMs);
  const status = await ask(`GET ${factors}`);
  const [{ id: factor }] = status.value.devices;
  const refused = await ask(`DELETE ${factors}/${factor}`);
  assert.equal(refused.value.error.code, 'second-factor-required');
  const body = { passkey: await shown() };
  assert.equal((await ask('POST /api/v1/token/second-factor', { body })).status, 200);
  assert.equal((await ask('POST /api/v1/token/second-factor', { body: {} })).status, 400);
  assert.equal((await ask(`DELETE ${factors}/${factor}`)).status, 200);
  const left = await server.call('mfa.status', { address: name });
  assert.deepEqual(left, { isEnabled: false, devices: [], recoveryCodesLeft: 0 });
  assert.equal((await logInByPasskey()).status, 401);
});

test('nothing but an answer of a browser is taken', async () => {
  const good = await shown();
  const wrongs = [
    {},
    { ...good, id: '' },
    { ...good, more: 1 },
    { ...good, response: { ...good.response, signature: 'x'.repeat(3_000) } },
    { ...good, response: { ...good.response, clientDataJSON: 'not/base64url' } },
  ];
  for (const passkey of wrongs) {
    const { status } = await ask('POST /api/v1/token/passkey', { token: '', body: { passkey } });
    assert.equal(status, 400, JSON.stringify(passkey).slice(0, 80));
  }
  const raw = { ...good, response: { ...good.response, clientDataJSON: 'bm9uZQ' } };
  const body = { passkey: raw };
  assert.equal((await ask('POST /api/v1/token/passkey', { token: '', body })).status, 401);
});
