/**
 * Aim: the acts are done over HTTP as on the control socket, for an operator; tokens open nothing but what they are
 * for, and whoever tampers with requests gets a clear refusal. Method: a real server, asked over its socket and port.
 */

import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { checkOf } from '../../src/actors/asks/check-params.ts';
import type { ControlMethod } from '../../src/actors/asks/control.ts';
import { controlActs } from '../../src/actors/asks/control-acts.ts';
import { type RestCall, rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse battery staple';

let server: TestServer;
const ask = (place: string, call?: RestCall) => rest(server, place, call);

before(async () => {
  server = await startTestServer({ 'listen.http': '127.0.0.1:0' });
  await ask('POST /api/v1/tenants', { body: { name: 'acme' } });
  await ask('POST /api/v1/domains', {
    body: { name: 'acme.test', tenant: 'acme', signWith: ['ed25519-sha256'] },
  });
  await ask('POST /api/v1/accounts', { body: { address: 'ann@acme.test', password } });
});

after(async () => await server[Symbol.asyncDispose]());

async function logIn(more: Record<string, unknown> = {}) {
  const body = { name: 'ann@acme.test', password, ...more };
  return await ask('POST /api/v1/token', { token: '', body });
}

describe('acts by REST', () => {
  test('what is made is there, is listed, is changed and goes', async () => {
    const made = await ask('POST /api/v1/accounts', {
      body: { address: 'bob@acme.test', quotaBytes: 1_000_000 },
    });
    assert.equal(made.status, 201);
    assert.equal(made.value.account.quotaBytes, 1_000_000);
    const list = await ask('GET /api/v1/accounts?domain=acme.test');
    assert.deepEqual(list.value.accounts.map((each: { address: string }) => each.address).sort(), [
      'ann@acme.test',
      'bob@acme.test',
    ]);
    const set = await ask('PATCH /api/v1/accounts/bob@acme.test', { body: { isEnabled: false } });
    assert.equal(set.value.account.isEnabled, false);
    const encoded = await ask('GET /api/v1/accounts/bob%40acme.test');
    assert.equal(encoded.value.account.isEnabled, false);
    const again = await ask('POST /api/v1/accounts', { body: { address: 'bob@acme.test' } });
    assert.deepEqual([again.status, again.value.error.code], [409, 'already-exists']);
    assert.equal((await ask('DELETE /api/v1/accounts/bob@acme.test')).status, 200);
    const gone = await ask('GET /api/v1/accounts/bob@acme.test');
    assert.deepEqual(
      [gone.status, gone.value.error],
      [404, { code: 'not-found', message: 'no such resource' }],
    );
    // A type is named, of a body that is not there.
    const headers = { 'content-type': 'application/json' };
    const domain = await ask('DELETE /api/v1/domains/acme.test', { headers });
    assert.deepEqual([domain.status, domain.value.error.code], [409, 'not-possible-now']);
  });

  test('what acts answer is as their schemas say', async () => {
    await ask('PUT /api/v1/aliases/info@acme.test', { body: { targets: ['ann@acme.test'] } });
    await ask('POST /api/v1/tenants/acme/keys', { body: { scopes: ['send'] } });
    await ask('POST /api/v1/tenants/acme/suppressions', {
      body: { entries: [{ address: 'gone@far.test' }] },
    });
    await ask('POST /api/v1/queue/suspensions', { body: { domain: 'far.test' } });
    await ask('POST /api/v1/shaping/suspensions', {
      body: { domain: 'far.test', forMs: 60_000, why: 'a test' },
    });
    await ask('POST /api/v1/tenants/acme/webhooks', { body: { url: 'https://hook.test/x' } });
    const places: readonly (readonly [ControlMethod, string])[] = [
      ['server.status', '/server'],
      ['source.list', '/sources'],
      ['tenant.list', '/tenants'],
      ['key.list', '/keys?tenant=acme'],
      ['domain.list', '/domains'],
      ['domain.show', '/domains/acme.test'],
      ['dkim.list', '/dkim-keys?domain=acme.test'],
      ['account.list', '/accounts'],
      ['account.show', '/accounts/ann@acme.test'],
      ['alias.list', '/aliases'],
      ['alias.show', '/aliases/info@acme.test'],
      ['queue.list', '/queue?limit=10'],
      ['queue.suspensions', '/queue/suspensions'],
      ['shaping.list', '/shaping/suspensions'],
      ['shaping.show', '/shaping/rules?domain=far.test'],
      ['suppression.list', '/tenants/acme/suppressions'],
      ['webhook.list', '/tenants/acme/webhooks'],
      ['tls-report.list', '/tls-reports'],
      ['tls-report.pending', '/tls-reports/pending'],
      ['mailbox.list', '/accounts/ann@acme.test/mailboxes'],
      ['mailbox.expunged', '/accounts/ann@acme.test/expunged'],
      ['events', '/server/events?limit=50'],
      ['trace', '/trace?of=ann@acme.test'],
      ['session.list', '/sessions?account=ann@acme.test'],
    ];
    for (const [act, path] of places) {
      const { status, value } = await ask(`GET /api/v1${path}`);
      assert.equal(status, 200, `${act}: ${JSON.stringify(value)}`);
      assert.equal(checkOf(controlActs[act].result)(value), undefined, act);
    }
    const { value } = await ask('GET /api/v1/queue/suspensions');
    const [{ id }] = value.rules;
    assert.equal((await ask(`DELETE /api/v1/queue/suspensions/${id}`)).status, 200);
    const items = await ask('GET /api/v1/accounts/ann@acme.test/expunged');
    assert.deepEqual(items.value, { count: 0, items: [], isComplete: true });
  });

  const wrong: readonly (readonly [string, RestCall, number, string, string])[] = [
    ['POST /api/v1/domains', { body: {} }, 400, 'argument-invalid', '/name'],
    [
      'POST /api/v1/domains',
      { body: { name: 'x.test', evil: 1 } },
      400,
      'argument-invalid',
      '/evil',
    ],
    ['POST /api/v1/domains', { body: ['x'] }, 400, 'argument-invalid', ''],
    ['POST /api/v1/domains?name=x', { body: {} }, 400, 'argument-invalid', '/query/name'],
    ['POST /api/v1/domains', { bytes: '{"name": ' }, 400, 'argument-invalid', ''],
    [
      'POST /api/v1/domains',
      { bytes: '{"__proto__": {"name": "x"}}' },
      400,
      'argument-invalid',
      '',
    ],
    [
      'POST /api/v1/domains',
      { bytes: 'x', headers: { 'content-type': 'text/plain' } },
      415,
      'argument-invalid',
      '',
    ],
    [
      'PATCH /api/v1/accounts/ann@acme.test',
      { body: { address: 'bob@acme.test' } },
      400,
      'argument-invalid',
      '/address',
    ],
    [
      'POST /api/v1/queue/retry',
      { body: { all: true, tenantId: 0 } },
      400,
      'argument-invalid',
      '/tenantId',
    ],
    ['GET /api/v1/queue?limit=ten', {}, 400, 'argument-invalid', '/limit'],
    ['GET /api/v1/queue?limit=1e9', {}, 400, 'argument-invalid', '/limit'],
    ['GET /api/v1/queue?domain=a&domain=b', {}, 400, 'argument-invalid', '/domain'],
    ['GET /api/v1/queue?__proto__=1', {}, 400, 'argument-invalid', '/__proto__'],
    ['DELETE /api/v1/keys/1x', {}, 400, 'argument-invalid', '/id'],
    ['DELETE /api/v1/keys/-1', {}, 400, 'argument-invalid', ''],
    ['GET /api/v1/domains/..%2Faccounts', {}, 404, 'not-found', ''],
    ['GET /api/v1/domains/acme.test%00', {}, 404, 'not-found', ''],
    [`GET /api/v1/domains/${'a'.repeat(300)}`, {}, 400, 'argument-invalid', '/name'],
  ];
  for (const [place, call, status, code, path] of wrong) {
    test(`${place.slice(0, 60)} with ${JSON.stringify(call).slice(0, 60)} is ${code}`, async () => {
      const answer = await ask(place, call);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.value.error.code, code);
      assert.equal(answer.value.error.path ?? '', path);
    });
  }

  test('a body that is too large, or does not say how large it is, is not read', async () => {
    const large = await ask('POST /api/v1/domains', {
      headers: { 'content-length': String(64 * 1_024 * 1_024), 'content-type': 'application/json' },
    });
    assert.equal(large.status, 413);
    const chunked = await ask('POST /api/v1/domains', {
      headers: { 'transfer-encoding': 'chunked', 'content-type': 'application/json' },
    });
    assert.equal(chunked.status, 411);
  });

  // RFC 6750 §2.1: the header alone counts.
  test('nobody is an operator but on the socket', async () => {
    for (const token of ['', 'operator', 'chaski_1_x', 'a.b.c']) {
      const answer = await ask('GET /api/v1/domains', { token });
      assert.deepEqual(
        [answer.status, answer.value.error.code],
        [401, 'credentials-invalid'],
        token,
      );
    }
    const cookie = await ask('GET /api/v1/domains', { token: '', headers: { cookie: 'token=x' } });
    assert.equal(cookie.status, 401);
    const query = await ask('GET /api/v1/domains?access_token=x', { token: '' });
    assert.equal(query.status, 401);
  });
});

describe('tokens', () => {
  // RFC 9700 §4.14
  test('a log-in begins a session, its refresh token renews it once, and a second use ends it', async () => {
    const first = await logIn({ device: 'a test' });
    assert.equal(first.status, 200, first.text);
    assert.deepEqual([first.value.tokenType, first.value.expiresIn], ['Bearer', 600]);
    assert.equal(first.headers['cache-control'], 'no-store');
    const { accessToken, refreshToken } = first.value;
    const refresh = (token: string) =>
      ask('POST /api/v1/token/refresh', { token: '', body: { refreshToken: token } });
    const second = await refresh(refreshToken);
    assert.equal(second.status, 200);
    assert.notEqual(second.value.refreshToken, refreshToken);
    const reused = await refresh(refreshToken);
    assert.deepEqual([reused.status, reused.value.error.code], [401, 'credentials-invalid']);
    // Whoever has the newer one is out, too.
    assert.equal((await refresh(second.value.refreshToken)).status, 401);
    for (const token of [accessToken, second.value.accessToken]) {
      assert.equal((await ask('GET /api/v1/sessions', { token })).status, 401);
    }
  });

  // RFC 7009 §2.2
  test('a revoked token opens nothing, and nothing is told of one that is none', async () => {
    const { accessToken, refreshToken } = (await logIn()).value;
    const revoke = (token: string) =>
      ask('POST /api/v1/token/revoke', { token: '', body: { token } });
    assert.deepEqual((await revoke('nonsense')).value, {});
    assert.deepEqual((await revoke(refreshToken)).value, {});
    assert.deepEqual((await revoke(refreshToken)).value, {});
    assert.equal((await ask('GET /api/v1/sessions', { token: accessToken })).status, 401);
  });

  test('a wrong password and a name that is not there are told alike', async () => {
    const wrong = await logIn({ password: 'wrong' });
    const missing = await logIn({ name: 'nobody@acme.test' });
    assert.deepEqual([wrong.status, missing.status], [401, 401]);
    assert.equal(wrong.text, missing.text);
  });

  test('each log-in has tokens of its own, whatever it brings', async () => {
    const one = (await logIn()).value;
    const other = await ask('POST /api/v1/token', {
      token: one.accessToken,
      body: { name: 'ann@acme.test', password },
      headers: { cookie: `session=${one.accessToken}` },
    });
    assert.notEqual(other.value.accessToken, one.accessToken);
    const session = (token: string) => claims(token).session;
    assert.notEqual(session(other.value.accessToken), session(one.accessToken));
    const brought = await logIn({ session: 1 });
    assert.deepEqual([brought.status, brought.value.error.path], [400, '/session']);
  });
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());

describe('a second factor', () => {
  const secret = new Secret({ size: 20 });
  const codeAt = (ms: number) => new TOTP({ secret }).generate({ timestamp: ms });
  let codeMs = 0;
  /** Each code is good once, so each is of another step; one step ahead is let pass, and one behind. */
  const nextCode = () => {
    codeMs = Math.max(Date.now(), codeMs + 30_000);
    return codeAt(codeMs);
  };

  test('is asked for where the account has one, is good once, and is shown again', async () => {
    await ask('POST /api/v1/accounts', { body: { address: 'cleo@acme.test', password } });
    const { directory, secondFactors } = server.server.identity;
    const account = (await directory.accountByAddress('cleo@acme.test'))!;
    const row = { name: 'phone', secret: Buffer.from(secret.bytes).toString('base64') };
    const { id } = await secondFactors.addTotp(account, { ...row, createdMs: 1 });
    const name = 'cleo@acme.test';
    assert.equal((await logIn({ name })).status, 200, 'one that is not confirmed is none');
    await secondFactors.useTotp(account, id, 1);
    const without = await logIn({ name });
    assert.deepEqual(
      [without.status, without.value.error.message],
      [401, 'a second factor is needed'],
    );
    const wrong = await logIn({ name, secondFactor: '000000' });
    const wrongPassword = await logIn({ name, password: 'x', secondFactor: '000000' });
    assert.equal(wrong.text, wrongPassword.text);
    const secondFactor = nextCode();
    const good = await logIn({ name, secondFactor });
    assert.equal(good.status, 200, good.text);
    assert.equal((await logIn({ name, secondFactor })).status, 401, 'a code is good once');
    const token = good.value.accessToken;
    const shown = (code: string) =>
      ask('POST /api/v1/token/second-factor', { token, body: { secondFactor: code } });
    assert.equal((await shown('000000')).status, 401);
    assert.equal((await shown(nextCode())).status, 200);
    await secondFactors.putRecoveryCodes(account, [
      createHash('sha256').update('abcd1234').digest('hex'),
    ]);
    assert.equal((await logIn({ name, secondFactor: 'ABCD-1234' })).status, 200);
    assert.equal((await logIn({ name, secondFactor: 'ABCD-1234' })).status, 401);
  });

  test('guesses of it wait, though the password is right', async () => {
    const name = 'cleo@acme.test';
    let status = 0;
    for (let tries = 0; tries < 15 && status !== 429; tries++) {
      const answer = await logIn({ name, secondFactor: '000000' });
      status = answer.status;
      if (status === 429) assert.ok(Number(answer.headers['retry-after']) > 0);
    }
    assert.equal(status, 429);
  });
});

describe('tokens that were tampered with', () => {
  let token = '';
  let refreshToken = '';
  let header: Record<string, unknown> = {};

  before(async () => {
    const { value } = await logIn();
    token = value.accessToken;
    refreshToken = value.refreshToken;
    header = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString());
  });

  async function refuse(shown: string, what: string) {
    const answer = await ask('GET /api/v1/sessions', { token: shown });
    assert.deepEqual([answer.status, answer.value.error.code], [401, 'credentials-invalid'], what);
  }

  test('the header says what a token is, and no more', () => {
    assert.deepEqual(Object.keys(header).sort(), ['alg', 'kid', 'typ']);
    assert.deepEqual([header.alg, header.typ], ['EdDSA', 'at+jwt']);
    const { iss, aud, exp, iat, jti } = claims(token);
    assert.deepEqual([iss, aud, exp - iat], ['mx.test', 'chaski', 600]);
    assert.equal(Buffer.from(jti, 'base64url').length, 32);
  });

  // RFC 8725 §3.1
  test('none of them opens anything', async () => {
    const [, body, signature] = token.split('.') as [string, string, string];
    const keys = await server.server.identity.credentials.tokenKeys();
    const publicKey = createPublicKey(keys[0]!.privatePem);
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
    for (const alg of ['none', 'None', 'NONE', '']) {
      await refuse(`${part({ ...header, alg })}.${body}.`, `alg ${alg}`);
      await refuse(`${part({ ...header, alg })}.${body}.${signature}`, `alg ${alg}, signed`);
    }
    for (const alg of ['HS256', 'HS512']) {
      for (const secret of [der, pem, raw]) {
        const unsigned = `${part({ ...header, alg })}.${body}`;
        const hash = alg === 'HS256' ? 'sha256' : 'sha512';
        const mac = createHmac(hash, secret).update(unsigned).digest('base64url');
        await refuse(`${unsigned}.${mac}`, `${alg} with the public key`);
      }
    }
    const own = generateKeyPairSync('ed25519');
    const signed = (head: object, payload: object) => {
      const unsigned = `${part(head)}.${part(payload)}`;
      const made = sign(null, Buffer.from(unsigned), own.privateKey).toString('base64url');
      return `${unsigned}.${made}`;
    };
    const jwk = own.publicKey.export({ format: 'jwk' });
    await refuse(signed(header, claims(token)), 'a key of their own under our kid');
    await refuse(signed({ ...header, jwk }, claims(token)), 'a key in the header');
    await refuse(signed({ ...header, kid: 'x', jku: 'https://evil.test/' }, claims(token)), 'jku');
    for (const kid of ['../../../dev/null', '__proto__', 'constructor', '', null, 7]) {
      await refuse(signed({ ...header, kid }, claims(token)), `kid ${kid}`);
      await refuse(`${part({ ...header, kid })}.${body}.${signature}`, `kid swapped: ${kid}`);
    }
    await refuse(`${token.slice(0, -4)}`, 'a cut signature');
    await refuse(`${header}.${body}.`, 'no signature');
    await refuse(
      `${token.split('.')[0]}.${part({ ...claims(token), sub: '2' })}.${signature}`,
      'sub',
    );
    await refuse(refreshToken, 'a refresh token in its place');
    await refuse(`${token}.x`, 'more parts');
    await refuse('a'.repeat(4_000), 'a long one');
  });

  // RFC 9068 §2.1 and §4
  test('claims that are wrong are refused, though our key signed them', async () => {
    const { tokenKeys } = server.server.identity.credentials;
    const [key] = await tokenKeys.call(server.server.identity.credentials);
    const signed = (change: object, head: object = {}) => {
      const unsigned = `${part({ ...header, ...head })}.${part({ ...claims(token), ...change })}`;
      return `${unsigned}.${sign(null, Buffer.from(unsigned), key!.privatePem).toString('base64url')}`;
    };
    const nowS = Math.floor(Date.now() / 1_000);
    const good = await ask('GET /api/v1/sessions', { token: signed({}) });
    assert.notEqual(good.status, 401, 'signed by the key it is good');
    const wrong: readonly (readonly [string, object, object?])[] = [
      ['over', { exp: nowS - 1 }],
      ['over long ago, with a late end', { iat: nowS - 7_200, exp: nowS + 600 }],
      ['without an end', { exp: undefined }],
      ['without an id', { jti: undefined }],
      ['of another audience', { aud: 'chaski:refresh' }],
      ['of another issuer', { iss: 'evil.test' }],
      ['of another type', {}, { typ: 'rt+jwt' }],
      ['of no type', {}, { typ: undefined }],
      ['with a critical field', {}, { crit: ['x'], x: 1 }],
      ['of no account', { sub: '999' }],
      ['of the first account in another tenant', { tenant: 0 }],
      ['of a session that is not there', { session: 999 }],
      ['of an account that is a text', { sub: 'ann@acme.test' }],
    ];
    for (const [what, change, head] of wrong) await refuse(signed(change, head), what);
  });
});

describe('what is for everybody', () => {
  test('the document names each act that is reached by REST, once', async () => {
    const { value } = await ask('GET /api/openapi.json', { token: '' });
    assert.equal(value.openapi, '3.1.0');
    const ids = Object.values(
      value.paths as Record<string, Record<string, { operationId: string }>>,
    )
      .flatMap((each) => Object.values(each))
      .map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length, 'each operation once');
    for (const [name, act] of Object.entries(controlActs)) {
      if (!('rest' in act)) continue;
      const [verb, path] = act.rest.split(' ') as [string, string];
      assert.ok(value.paths[path]?.[verb.toLowerCase()], name);
    }
    assert.ok(value.paths['/api/v1/messages'].post && value.paths['/api/v1/token'].post);
  });

  test('the page brings its own files, and may load no others', async () => {
    const page = await ask('GET /api/docs', { token: '' });
    assert.equal(page.status, 200);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /^default-src 'none'; script-src 'self'; /);
    assert.doesNotMatch(policy, /unsafe|http|\*/);
    assert.doesNotMatch(page.text, /https?:|<script>|style=|on\w+=/);
    for (const [, file] of page.text.matchAll(/(?:src|href)="(docs[^"]+)"/g)) {
      const { status, text } = await ask(`GET /api/${file}`, { token: '' });
      assert.deepEqual([status, text.length > 50], [200, true], file);
    }
    for (const file of ['..%2fpackage.json', 'index.js', 'logo.svg', '%2e%2e/openapi.json']) {
      const { status } = await ask(`GET /api/docs/${file}`, { token: '' });
      assert.ok(status === 401 || status === 404, `${file}: ${status}`);
    }
  });
});

test('who shows nothing that is good is heard so often in a minute, and others are heard meanwhile', async () => {
  let refused = await ask('GET /api/v1/sessions', { token: '' });
  for (let count = 0; count < 320 && refused.status === 401; count++) {
    refused = await ask('GET /api/v1/sessions', { token: '' });
  }
  assert.deepEqual([refused.status, refused.value.error.code], [429, 'rate-exceeded']);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal((await ask('GET /api/v1/server')).status, 200);
});
