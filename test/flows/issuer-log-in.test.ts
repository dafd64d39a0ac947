/**
 * Aim: a browser logs in by an issuer that is not ours: to the account it was vouched for, once, in the page that
 * began; whatever the issuer, another page or another browser bends opens nothing. Method: the whole server, issuers by
 * HTTP, and a browser that keeps its cookie. Specs: RFC 9207 §2.4, RFC 9700 §4.7, §4.11.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { JWTPayload } from 'jose';
import { Secret, TOTP } from 'otpauth';
import { callbackCharsMax } from '../../src/edge/guard/issuer-log-in.ts';
import { CodeIssuer } from '../support/code-issuer.ts';
import { type RestAnswer, rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { fragmentOf, WebPage } from '../support/web-page.ts';

const origin = 'https://mail.here.test';
const ann = 'ann@here.test';
const eve = 'eve@elsewhere.test';
const sue = 'sue@strict.test';
const password = 'correct horse battery';

let folder = '';
let server: TestServer;
let issuer: CodeIssuer;
let other: CodeIssuer;

before(async () => {
  issuer = await new CodeIssuer('chaski', 'p@ss:word').open();
  other = await new CodeIssuer('chaski-too', 'another').open();
  const rows = (secrets: (name: string) => string) => ({
    company: {
      ...{ url: issuer.url, audiences: ['api'], domains: ['here.test', 'strict.test'] },
      ...{ clientId: issuer.clientId, clientSecretFile: secrets('company'), web: true },
      secondFactor: ['otp'],
    },
    other: {
      ...{ url: other.url, audiences: ['api'], domains: ['elsewhere.test'] },
      ...{ clientId: other.clientId, clientSecretFile: secrets('other'), web: true },
    },
    tokens: { url: 'https://id.test', audiences: ['api'], domains: ['here.test'] },
  });
  folder = mkdtempSync(join(tmpdir(), 'chaski-issuer-'));
  writeFileSync(join(folder, 'company'), `${issuer.clientSecret}\nmore`);
  writeFileSync(join(folder, 'other'), other.clientSecret);
  server = await startTestServer({
    ...{ 'listen.http': '127.0.0.1:0', 'public.url': origin, 'login.failuresMax': '100000' },
    ...{ 'oidc.allowNetworks': '127.0.0.0/8', 'oidc.timeoutMs': '2s' },
    'oidc.issuers': JSON.stringify(rows((name) => join(folder, name))),
  });
  await server.call('tenant.create', { name: 'strict' });
  await server.call('tenant.create', { name: 'elsewhere' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('domain.create', { name: 'strict.test', tenant: 'strict' });
  await server.call('domain.create', { name: 'elsewhere.test', tenant: 'elsewhere' });
  await server.call('policy.set', { tenant: 'strict', needsSecondFactor: true });
  for (const address of [ann, eve, sue]) await server.call('account.create', { address, password });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  for (const each of [issuer, other]) {
    Object.assign(each, { bent: {}, sign: undefined, brought: {}, isLax: false, userInfo: {} });
    each.mock.isAway = false;
  }
  issuer.user = vouched(ann);
  other.user = vouched(eve);
});

function vouched(email: string, more: JWTPayload = {}): JWTPayload {
  return { email, email_verified: true, ...more };
}

const newPage = () => new WebPage(server, origin);

/** The page as it is back from the issuer. */
async function backFrom(page: WebPage, name = 'company', at = issuer): Promise<RestAnswer> {
  const begun = await page.begin(name);
  assert.equal(begun.status, 303, begun.text);
  const back = await page.visit(at.visit(begun.headers.location as string));
  assert.equal(back.status, 303, back.text);
  return back;
}

async function errorOf(page = newPage(), name = 'company', at = issuer): Promise<string | null> {
  const told = fragmentOf(await backFrom(page, name, at));
  assert.equal(told.get('code'), null);
  return told.get('error');
}

async function ownerOf(token: string): Promise<string> {
  const answer = await rest(server, 'GET /api/v1/sessions', { token });
  return answer.status === 200 ? 'in' : answer.text;
}

test('a browser logs in, and its page has tokens of ours', async () => {
  const page = newPage();
  const begun = await page.begin('company', { return: '/mail?folder=1' });
  assert.equal(begun.status, 303);
  const there = new URL(begun.headers.location as string);
  assert.equal(there.origin + there.pathname, `${issuer.url}/authorize`);
  const asked = Object.fromEntries(there.searchParams);
  assert.equal(asked.redirect_uri, `${origin}/api/v1/log-in/oidc/company/callback`);
  assert.deepEqual(
    [asked.response_type, asked.code_challenge_method, asked.scope, asked.client_id],
    ['code', 'S256', 'openid email', 'chaski'],
  );
  assert.notEqual(asked.code_challenge, page.challenge, 'the page and PKCE share nothing');
  const [cookie] = begun.headers['set-cookie'] as string[];
  assert.match(cookie!, /^__Host-.*; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
  const back = await page.visit(issuer.visit(there.href));
  const location = back.headers.location as string;
  assert.match(location, /^\/mail\?folder=1#code=[\w-]{43}$/);
  assert.equal(back.headers['referrer-policy'], 'no-referrer');
  assert.equal(back.headers['cache-control'], 'no-store');
  assert.equal(page.cookie, '', 'the ticket is gone');
  const { status, value, text } = await page.redeem(fragmentOf(back).get('code')!);
  assert.equal(status, 200, text);
  assert.equal(await ownerOf(value.accessToken), 'in');
  const renewed = await rest(server, 'POST /api/v1/token/refresh', {
    ...{ token: '', body: { refreshToken: value.refreshToken } },
  });
  assert.equal(renewed.status, 200);
});

test('a code of ours is good once, and only in the page that began', async () => {
  const page = newPage();
  const code = fragmentOf(await backFrom(page)).get('code')!;
  assert.equal((await page.redeem(code)).status, 200);
  assert.equal((await page.redeem(code)).status, 401, 'twice');
  const stolen = fragmentOf(await backFrom(page)).get('code')!;
  assert.equal((await newPage().redeem(stolen)).status, 401, 'by another page');
  assert.equal((await page.redeem(stolen)).status, 401, 'it is over with that');
  const raced = fragmentOf(await backFrom(page)).get('code')!;
  const both = await Promise.all([page.redeem(raced), page.redeem(raced)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401]);
});

test('an answer that another browser asked for is not taken (CSRF)', async () => {
  const attacker = newPage();
  const begun = await attacker.begin('company');
  const link = issuer.visit(begun.headers.location as string);
  const asked = issuer.count('/token');
  assert.equal((await newPage().visit(link)).status, 401, 'without a log-in of its own');
  const victim = newPage();
  await victim.begin('company');
  assert.equal((await victim.visit(link)).status, 401, 'with another one under way');
  assert.equal(issuer.count('/token'), asked, 'the code was not shown to the issuer');
  const { cookie } = attacker;
  attacker.cookie = cookie.replace(/.{40}$/, (end) => (end[0] === 'A' ? 'B' : 'A') + end.slice(1));
  assert.equal((await attacker.visit(link)).status, 401, 'with a ticket that was tampered with');
  attacker.cookie = cookie;
  assert.equal((await attacker.visit(link)).status, 303);
});

test('an answer is taken once, and a code of the issuer is shown to it once', async () => {
  issuer.isLax = true;
  const page = newPage();
  const begun = await page.begin('company');
  const { cookie } = page;
  const link = issuer.visit(begun.headers.location as string);
  assert.ok(fragmentOf(await page.visit(link)).get('code'));
  page.cookie = cookie;
  const asked = issuer.count('/token');
  assert.equal((await page.visit(link)).status, 401);
  assert.equal(issuer.count('/token'), asked);
});

test('an answer longer than the limit is not looked at', async () => {
  const page = newPage();
  const { headers } = await page.begin('company');
  const link = issuer.visit(headers.location as string);
  const { cookie } = page;
  const at = link.indexOf('?') + 1;
  const padded = (length: number) => `${link}&x=`.padEnd(at + length, 'x');
  assert.equal((await page.visit(padded(callbackCharsMax + 1))).status, 401);
  page.cookie = cookie;
  assert.ok(fragmentOf(await page.visit(padded(callbackCharsMax))).get('code'));
});

test('a code of the issuer that was begun for another log-in is refused (PKCE, nonce)', async () => {
  issuer.isLax = true;
  const attacker = newPage();
  const { headers } = await attacker.begin('company');
  const stolen = new URL(issuer.visit(headers.location as string)).searchParams.get('code')!;
  issuer.brought = { code: stolen };
  assert.equal(await errorOf(), 'refused');
});

test('two issuers are not mixed up', async () => {
  const page = newPage();
  const begun = await page.begin('company');
  const link = issuer.visit(begun.headers.location as string);
  assert.equal((await page.visit(link.replace('/company/', '/other/'))).status, 401);
  other.brought = { iss: issuer.url };
  assert.equal(await errorOf(newPage(), 'other', other), 'refused', 'another name (RFC 9207)');
  other.brought = { iss: '' };
  assert.equal(await errorOf(newPage(), 'other', other), 'refused', 'no name');
  other.brought = {};
  other.user = vouched(ann);
  other.bent = { iss: issuer.url };
  assert.equal(await errorOf(newPage(), 'other', other), 'refused', 'an ID token of another');
  other.bent = {};
  other.sign = (claims) => issuer.mock.token({ ...claims, iss: issuer.url, aud: 'chaski' });
  assert.equal(await errorOf(newPage(), 'other', other), 'refused', 'and signed by it');
});

const forgeries: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['another nonce', { nonce: 'another' }],
  ['no nonce', { nonce: undefined }],
  ['another audience', { aud: 'api' }],
  ['two audiences, made for the other', { aud: ['chaski', 'api'], azp: 'api' }],
  ['two audiences, made for nobody', { aud: ['chaski', 'api'] }],
  ['an audience, made for another', { azp: 'api' }],
  ['an end that was', { iat: 1_000, exp: 1_300 }],
  ['no end', { exp: undefined }],
  ['no subject', { sub: undefined }],
  ['another issuer', { iss: 'https://id.test' }],
  ['an address that was not verified', { email_verified: false }],
  ['an address nobody says was verified', { email_verified: undefined }],
  ['"true" that is a text', { email_verified: 'true' }],
  ['an account of another tenant', { email: eve }],
  ['an address that is not there', { email: 'nobody@here.test' }],
  ['an alias of nobody', { email: '' }],
];
for (const [what, bent] of forgeries) {
  test(`an ID token with ${what} opens nothing`, async () => {
    issuer.bent = bent as JWTPayload;
    assert.equal(await errorOf(), 'refused');
  });
}

test('alg none, and HS256 with the public key or the client secret, are refused', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  issuer.sign = async (claims) => `${part({ alg: 'none' })}.${part(claims)}.`;
  assert.equal(await errorOf(), 'refused');
  const pem = issuer.mock.publicKey('ed').export({ type: 'spki', format: 'pem' }) as string;
  for (const secret of [pem, issuer.clientSecret.padEnd(32)]) {
    const key = Buffer.from(secret);
    issuer.sign = (claims) => issuer.mock.token(claims, { alg: 'HS256', kid: 'ed' }, key);
    assert.equal(await errorOf(), 'refused');
  }
  await issuer.mock.add('mine', 'EdDSA', true);
  issuer.sign = (claims) => issuer.mock.token(claims, { alg: 'EdDSA', kid: 'mine' });
  assert.equal(await errorOf(), 'refused', 'a key that it does not list');
});

test('a page is gone back to on this server, and nowhere else', async () => {
  const wrong = [
    ...['https://evil.test/', '//evil.test', '/\\evil.test', '\\\\evil.test', 'mail', '/a\tb'],
    ...[
      '/mail#fragment',
      '/api/v1/openapi.json',
      '/x/../api/v1/token',
      '/%2e%2e/api/',
      '/a\r\nb:c',
    ],
    ...['javascript:alert(1)', '/\u00e4', `/${'a'.repeat(1_000)}`],
  ];
  for (const path of wrong) {
    const { status, headers } = await newPage().begin('company', { return: path });
    assert.deepEqual([status, headers.location], [400, undefined], path);
  }
  assert.equal((await newPage().begin('company', { return: `/${'a'.repeat(999)}` })).status, 303);
  assert.equal((await newPage().begin('company', { challenge: 'short' })).status, 400);
  assert.equal((await newPage().begin('company', { next: '/' })).status, 400);
  assert.equal((await newPage().begin('tokens')).status, 404, 'it opens no web');
  assert.equal((await newPage().begin('nobody')).status, 404);
});

test('what its user or the issuer decline is told to the page', async () => {
  issuer.brought = { error: 'access_denied', error_description: 'no' };
  assert.equal(await errorOf(), 'cancelled');
  issuer.brought = { error: 'server_error' };
  assert.equal(await errorOf(), 'refused');
});

test('an issuer that is away is told as that', async () => {
  const page = newPage();
  const begun = await page.begin('company');
  const link = issuer.visit(begun.headers.location as string);
  issuer.mock.isAway = true;
  assert.equal(fragmentOf(await page.visit(link)).get('error'), 'away');
});

test('an address that only userinfo tells counts, where it was verified there', async () => {
  issuer.user = {};
  issuer.userInfo = { sub: '17', ...vouched(ann) };
  const page = newPage();
  const code = fragmentOf(await backFrom(page)).get('code')!;
  assert.equal((await page.redeem(code)).status, 200);
  issuer.userInfo = { sub: '17', email: ann };
  assert.equal(await errorOf(), 'refused');
  issuer.userInfo = { sub: '18', ...vouched(ann) };
  assert.equal(await errorOf(), 'refused', 'of somebody else');
  issuer.user = { email_verified: true };
  issuer.userInfo = { sub: '17', email: ann };
  assert.equal(await errorOf(), 'refused', 'not half of each');
});

test('an account that is disabled between is not opened', async () => {
  const page = newPage();
  const code = fragmentOf(await backFrom(page)).get('code')!;
  await server.call('account.set', { address: ann, isEnabled: false });
  assert.equal((await page.redeem(code)).status, 401);
  assert.equal(await errorOf(), 'refused');
  await server.call('account.set', { address: ann, isEnabled: true });
});

test('a second factor of the issuer counts where settings say so; else ours is asked for', async () => {
  issuer.user = vouched(sue);
  const page = newPage();
  const weak = fragmentOf(await backFrom(page)).get('code')!;
  const refused = await page.redeem(weak);
  assert.deepEqual([refused.status, refused.value.error.code], [401, 'authentication-required']);
  issuer.user = vouched(sue, { amr: ['pwd', 'otp'] });
  const strong = fragmentOf(await backFrom(page)).get('code')!;
  const { status, value } = await page.redeem(strong);
  assert.equal(status, 200);
  assert.equal(await ownerOf(value.accessToken), 'in');
});

async function codeGenerator(address: string, token: string): Promise<() => string> {
  const place = `/api/v1/accounts/${address}/second-factors`;
  const { value } = await rest(server, `POST ${place}`, { token, body: { name: 'phone' } });
  const totp = new TOTP({ secret: Secret.fromBase32(value.secret) });
  const step = Math.floor(Date.now() / 30_000);
  const body = { code: totp.generate({ timestamp: (step - 1) * 30_000 }) };
  const confirmed = await rest(server, `POST ${place}/confirm`, { token, body });
  assert.equal(confirmed.status, 200, confirmed.text);
  return () => totp.generate();
}

test('a sensitive act wants the issuer to have seen its user shortly before', async () => {
  const act = async (more: JWTPayload) => {
    issuer.user = vouched(ann, more);
    const page = newPage();
    const { value } = await page.redeem(fragmentOf(await backFrom(page)).get('code')!);
    const body = { name: 'mine', scopes: ['imap'] };
    const place = `POST /api/v1/accounts/${ann}/app-passwords`;
    return (await rest(server, place, { token: value.accessToken, body })).status;
  };
  const nowS = Math.floor(Date.now() / 1_000);
  assert.equal(await act({}), 403, 'nobody says when');
  assert.equal(await act({ auth_time: nowS - 3_600 }), 403, 'an hour ago');
  assert.equal(await act({ auth_time: nowS + 3_600 * 24 }), 201, 'a clock that is fast');
  assert.equal(await act({ auth_time: nowS }), 201);
  const { headers } = await newPage().begin('company', { fresh: 'true' });
  const { searchParams } = new URL(headers.location as string);
  assert.deepEqual([searchParams.get('prompt'), searchParams.get('max_age')], ['login', '0']);
});

test("the account's own second factor is shown with a code that stays good for it", async () => {
  const nowS = Math.floor(Date.now() / 1_000);
  issuer.user = vouched(ann, { auth_time: nowS });
  const page = newPage();
  const { value } = await page.redeem(fragmentOf(await backFrom(page)).get('code')!);
  const generate = await codeGenerator(ann, value.accessToken);
  const code = fragmentOf(await backFrom(page)).get('code')!;
  assert.equal((await page.redeem(code)).value.error.code, 'authentication-required');
  const wrong = await page.redeem(code, { secondFactor: '000000' });
  assert.equal(wrong.value.error.code, 'credentials-invalid');
  const waited = async () => {
    for (let at = 0; at < 20; at++) {
      const answer = await page.redeem(code, { secondFactor: generate() });
      if (answer.status !== 429) return answer;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error('it never came in');
  };
  assert.equal((await waited()).status, 200);
  assert.equal((await page.redeem(code, { secondFactor: generate() })).status, 401);
});

test('who logs out is led to where the issuer ends its own session', async () => {
  const { status, headers } = await newPage().visit('/api/v1/log-in/oidc/company/log-out');
  assert.equal(status, 303);
  const there = new URL(headers.location as string);
  assert.equal(there.origin + there.pathname, `${issuer.url}/end`);
  assert.deepEqual(Object.fromEntries(there.searchParams), {
    ...{ client_id: 'chaski', post_logout_redirect_uri: `${origin}/` },
  });
});

test('pages learn by whom one may log in', async () => {
  const { value } = await newPage().visit('/api/v1/log-in/oidc');
  assert.deepEqual(value, { issuers: [{ name: 'company' }, { name: 'other' }] });
});
