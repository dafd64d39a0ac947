/**
 * Aim: mail programs log in by tokens of an issuer that is not ours, each to the account its token names and to none
 * other; tokens of ours work beside them. Method: the whole server, an issuer by HTTP, imapflow and nodemailer.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import type { JWTPayload } from 'jose';
import { createTransport } from 'nodemailer';
import { MockIssuer } from '../support/mock-issuer.ts';
import { rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const ann = 'ann@here.test';
const walled = 'eve@elsewhere.test';
const strict = 'sue@strict.test';
const password = 'correct horse battery';
const tls = { rejectUnauthorized: false };

let server: TestServer;
let issuer: MockIssuer;
let http: AsyncDisposable;

before(async () => {
  issuer = new MockIssuer();
  await issuer.add('ed', 'EdDSA');
  http = await issuer.listen();
  const any = '127.0.0.1:0';
  const row = {
    ...{ url: issuer.url, audiences: ['chaski'], domains: ['here.test', 'strict.test'] },
    secondFactor: ['otp'],
  };
  server = await startTestServer({
    ...{ 'listen.imaps': any, 'listen.submissions': any, 'listen.http': any },
    ...{ 'login.failuresMax': '100000', 'oidc.allowNetworks': '127.0.0.0/8' },
    'oidc.issuers': JSON.stringify({ company: row }),
  });
  await server.call('tenant.create', { name: 'strict' });
  await server.call('domain.create', { name: 'strict.test', tenant: 'strict' });
  for (const name of ['here.test', 'elsewhere.test']) await server.call('domain.create', { name });
  await server.call('policy.set', { tenant: 'strict', needsSecondFactor: true });
  for (const address of [ann, walled, strict])
    await server.call('account.create', { address, password });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
});

async function tokenOf(email: string, claims: JWTPayload = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + 300;
  return await issuer.token({ email, email_verified: true, exp, ...claims });
}

async function openImap(user: string, accessToken: string): Promise<ImapFlow> {
  const flow = new ImapFlow({
    ...{ host: '127.0.0.1', port: server.ports.imaps!, secure: true, tls, logger: false },
    auth: { user, accessToken },
  });
  flow.on('error', () => {});
  await flow.connect();
  return flow;
}

async function byImap(user: string, token: string): Promise<void> {
  await (await openImap(user, token)).logout();
}

async function bySmtp(user: string, accessToken: string): Promise<void> {
  const transport = createTransport({
    ...{ host: '127.0.0.1', port: server.ports.submissions!, secure: true, tls },
    auth: { user, type: 'OAuth2', accessToken },
  });
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

for (const [name, logIn] of [
  ['IMAP', byImap],
  ['SMTP', bySmtp],
] as const) {
  test(`${name}: an issuer's token opens the account it names, and no other`, async () => {
    await logIn(ann, await tokenOf(ann));
    await logIn('Ann@Here.Test', await tokenOf('ANN@here.test'));
    await assert.rejects(logIn(strict, await tokenOf(ann, { amr: ['otp'] })), 'somebody else');
    await assert.rejects(logIn(ann, await tokenOf('nobody@here.test')));
    await assert.rejects(logIn(ann, await tokenOf(ann, { exp: 1 })), 'over');
    await assert.rejects(logIn(ann, await tokenOf(ann, { aud: 'other' })));
    await assert.rejects(logIn(ann, await tokenOf(ann, { email_verified: false })));
  });

  test(`${name}: an issuer opens nothing outside its domains`, async () => {
    await assert.rejects(logIn(walled, await tokenOf(walled)));
  });

  test(`${name}: where a second factor is demanded the token says it was shown`, async () => {
    await assert.rejects(logIn(strict, await tokenOf(strict)));
    await assert.rejects(logIn(strict, await tokenOf(strict, { amr: ['pwd'] })));
    await logIn(strict, await tokenOf(strict, { amr: ['pwd', 'otp'] }));
  });

  test(`${name}: tokens of ours open beside them, those that only say so do not`, async () => {
    const body = { name: ann, password };
    const { value } = await rest(server, 'POST /api/v1/token', { token: '', body });
    await logIn(ann, value.accessToken);
    await assert.rejects(logIn(ann, await tokenOf(ann, { iss: server.settings.hostname })));
  });
}

test('an issuer is asked for its keys once, whatever tokens say', async () => {
  for (let at = 0; at < 20; at++) {
    const forged = await issuer.token(
      { email: ann, email_verified: true, exp: 9_999_999_999 },
      { alg: 'HS256', kid: `key-${at}` },
      Buffer.alloc(32),
    );
    await assert.rejects(byImap(ann, forged));
  }
  await byImap(ann, await tokenOf(ann));
  assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/keys']);
});

test('an account that is disabled is closed to tokens, and sessions of theirs end', async () => {
  const open = await openImap(ann, await tokenOf(ann));
  const closed = once(open, 'close');
  await server.call('account.set', { address: ann, isEnabled: false });
  await closed;
  await assert.rejects(byImap(ann, await tokenOf(ann)));
  await server.call('account.set', { address: ann, isEnabled: true });
  await byImap(ann, await tokenOf(ann));
});

test('a session ends with the token that let it in', async () => {
  // Its end is past, and the skew that is granted nearly so.
  const exp = Math.floor(Date.now() / 1_000) - 27;
  const short = await openImap(ann, await tokenOf(ann, { exp }));
  const long = await openImap(ann, await tokenOf(ann));
  await once(short, 'close');
  await long.noop();
  await long.logout();
});

test('a second factor that becomes needed ends sessions whose token showed none', async () => {
  const weak = await openImap(ann, await tokenOf(ann));
  const strong = await openImap(ann, await tokenOf(ann, { amr: ['otp'] }));
  const closed = once(weak, 'close');
  await server.call('policy.set', { tenant: 'default', needsSecondFactor: true });
  await closed;
  await strong.noop();
  await strong.logout();
});
