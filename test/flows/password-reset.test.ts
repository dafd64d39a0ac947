/**
 * Aim: who lost a password sets a new one by a link in mail or from a help desk, and nobody learns who is there; owners
 * hear of log-ins from new places. Method: a real server behind a proxy's header, with a next hop that takes its mail.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { type RestCall, rest } from '../support/rest-client.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse battery staple';
const fresh = 'another horse, as correct';
const name = 'ann@acme.test';
const host = { host: 'mail.acme.test' };

let server: TestServer;
let hop: NextHop;
const ask = (place: string, call: RestCall = {}) => rest(server, place, { token: '', ...call });

before(async () => {
  hop = await new NextHop().start();
  server = await startTestServer({
    ...{ 'listen.http': '127.0.0.1:0', 'public.url': 'https://mail.acme.test' },
    'http.trustedProxies': '127.0.0.1',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
  });
  await server.call('tenant.create', { name: 'acme' });
  await server.call('domain.create', { name: 'acme.test', tenant: 'acme' });
  for (const address of [name, 'bob@acme.test', 'help@acme.test']) {
    await server.call('account.create', { address, password });
  }
  await server.call('recovery.set', { address: name, recoveryAddress: 'ann@far.test' });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await hop[Symbol.asyncDispose]();
});

async function logIn(who: string, secret: string, headers: Record<string, string> = {}) {
  const body = { name: who, password: secret, device: 'Firefox/1' };
  return await ask('POST /api/v1/token', { body, headers });
}

function form(fields: Record<string, string>): RestCall {
  const bytes = new URLSearchParams(fields).toString();
  const type = 'application/x-www-form-urlencoded';
  const length = String(Buffer.byteLength(bytes));
  return { bytes, headers: { ...host, 'content-type': type, 'content-length': length } };
}

test('a link comes by mail, leads to a page, and sets a password once', async () => {
  const { value } = await logIn(name, password);
  const known = await ask('POST /api/v1/password-reset', { body: { name } });
  const unknown = await ask('POST /api/v1/password-reset', { body: { name: 'eve@acme.test' } });
  assert.deepEqual([known.status, known.text], [unknown.status, unknown.text]);
  assert.deepEqual([known.status, known.value], [200, {}]);
  const message = await eventually('the link', () => hop.messages[0]);
  assert.deepEqual(message.recipients, ['ann@far.test']);
  const text = message.content;
  assert.match(text, /^DKIM-Signature:/m);
  const path = /https:\/\/mail\.acme\.test(\/reset\/\S+)/.exec(text)![1]!;

  const page = await ask(`GET ${path}`, { headers: host });
  assert.equal(page.status, 200);
  assert.match(page.text, /Choose a new password/);
  assert.ok(!page.text.includes(path), 'the link is not in the page');
  assert.equal((await ask(`GET ${path}x`, { headers: host })).status, 404);
  const unlike = await ask(`POST ${path}`, form({ password: fresh, again: 'other' }));
  assert.match(unlike.text, /not the same/);
  const short = await ask(`POST ${path}`, form({ password: 'x', again: 'x' }));
  assert.deepEqual([short.status, /are needed/.test(short.text)], [400, true]);
  const set = await ask(`POST ${path}`, form({ password: fresh, again: fresh }));
  assert.equal(set.status, 200, set.text);
  const again = await ask(`POST ${path}`, form({ password: password, again: password }));
  assert.equal(again.status, 404);

  const token = value.accessToken;
  assert.equal((await ask('GET /api/v1/sessions', { token })).status, 401, 'sessions ended');
  assert.equal((await logIn(name, password)).status, 401);
  assert.equal((await logIn(name, fresh)).status, 200);
});

test('a help desk hands a link out, to who may do no more than it', async () => {
  const { directory, roles } = server.server.identity;
  for (const [who, role] of [
    ['help@acme.test', 'help-desk'],
    ['bob@acme.test', 'owner'],
  ] as const) {
    const { id: account, tenant } = (await directory.accountByAddress(who))!;
    await roles.grant({ tenant, account, role, createdMs: 1, by: 'test' });
  }
  const token = (await logIn('help@acme.test', password)).value.accessToken;
  const place = (who: string) => `POST /api/v1/accounts/${who}/reset-link`;
  const made = await ask(place(name), { token, body: {} });
  assert.equal(made.status, 200, made.text);
  assert.match(made.value.url, /^https:\/\/mail\.acme\.test\/reset\//);
  assert.equal((await ask(place('bob@acme.test'), { token, body: {} })).status, 403);
  const own = await ask(`PUT /api/v1/accounts/${name}/recovery-address`, {
    ...{ token, body: { recoveryAddress: 'help@far.test' } },
  });
  assert.equal(own.status, 403, 'it is not the help desk’s to set');
  const done = (secret: string) =>
    ask('POST /api/v1/password-reset/done', {
      body: { token: made.value.token, password: secret },
    });
  const short = await done('short');
  assert.deepEqual([short.status, short.value.error.code], [400, 'argument-invalid']);
  assert.equal((await done('a third pass phrase')).status, 200);
  assert.equal((await done('a fourth pass phrase')).status, 401);
  assert.equal((await logIn(name, 'a third pass phrase')).status, 200);
  const { entries } = await server.call('audit.list', { limit: 1_000, tenant: 'acme' });
  const acts = entries.map(({ act, outcome }) => `${act} ${outcome}`);
  assert.ok(acts.includes('recovery.link done') && acts.includes('password.reset done'));
});

test('an owner sets where links go, and it may not be where they are locked out', async () => {
  const { value } = await logIn(name, 'a third pass phrase');
  const token = value.accessToken;
  const place = `/api/v1/accounts/${name}/recovery-address`;
  const set = (recoveryAddress: string) =>
    ask(`PUT ${place}`, { token, body: { recoveryAddress } });
  assert.equal((await set('ann@elsewhere.test')).status, 200);
  assert.deepEqual((await ask(`GET ${place}`, { token })).value, {
    recoveryAddress: 'ann@elsewhere.test',
  });
  for (const wrong of ['Ann@Acme.test', 'no address', 'a@b\r\nc']) {
    assert.equal((await set(wrong)).status, 400, wrong);
  }
});

test('an owner hears of a log-in from a new place, and once', async () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const inbox = async () => {
    const { mailboxes } = await server.call('mailbox.list', { account: 'bob@acme.test' });
    return mailboxes.find(({ role }) => role === 'inbox')!.messageCount;
  };
  const { owners, directory } = server.server.identity;
  const bob = (await directory.accountByAddress('bob@acme.test'))!;
  const placeCount = (count: number) =>
    eventually(`${count} places`, async () => {
      return (await owners.places(bob)).length === count ? true : undefined;
    });
  await logIn('bob@acme.test', password, from('192.0.2.7'));
  await placeCount(1);
  assert.equal(await inbox(), 0);
  await logIn('bob@acme.test', password, from('198.51.100.4'));
  await logIn('bob@acme.test', password, from('198.51.100.5'));
  await eventually('the notice', async () => ((await inbox()) > 0 ? true : undefined));
  await placeCount(2);
  assert.equal(await inbox(), 1);
});

test('who asks for links too often has to wait', async () => {
  const body = { name: 'eve@acme.test' };
  const answers: number[] = [];
  for (let count = 0; count < 12; count++) {
    answers.push((await ask('POST /api/v1/password-reset', { body })).status);
  }
  assert.ok(answers.includes(429), answers.join());
});
