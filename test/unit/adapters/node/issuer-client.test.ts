/**
 * Aim:    an issuer takes neither our time nor our memory, is asked where the guard lets it be, and nothing secret is
 *         logged; what it refuses is told apart from its being away.
 * Method: servers on this machine that answer wrongly, endlessly or not at all.
 * Specs:  RFC 6749 §2.3.1, RFC 7662 §2.
 */

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { createIssuerClient } from '../../../../src/adapters/node/issuer-client.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const timeoutMs = 400;
const token = 'very-secret-token';
const secret = 'very-secret:secret';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

async function world(answer: Answer, given: { mayDial?: boolean; isByForm?: boolean } = {}) {
  const asked: { path: string; authorization: string; body: string }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { authorization = '' } = request.headers;
      asked.push({ path: request.url!, authorization, body });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const logged: string[] = [];
  const log = {
    ...silentLog,
    warn: (...told: unknown[]) => void logged.push(JSON.stringify(told)),
  };
  const client = createIssuerClient({
    ...{ clientId: 'chaski', secret: async () => secret, dns: new ZoneDns({}), timeoutMs, log },
    mayDial: () => given.mayDial ?? true,
  });
  const at = {
    ...{
      issuer,
      introspection_endpoint: `${issuer}/introspect`,
      token_endpoint: `${issuer}/token`,
    },
    userinfo_endpoint: `${issuer}/me`,
    ...(given.isByForm ? { token_endpoint_auth_methods_supported: ['client_secret_post'] } : {}),
  };
  return {
    ...{ client, at, asked, logged },
    introspect: () => client.introspect(at, token),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const line of logged) assert.doesNotMatch(line, /very-secret|very-private/);
    },
  };
}

const says =
  (value: unknown, status = 200): Answer =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof value === 'string' ? value : JSON.stringify(value));

it('an active token is told of, one that is not is refused', async () => {
  await using good = await world(says({ active: true, sub: '1' }));
  assert.deepEqual(await good.introspect(), { sub: '1' });
  assert.deepEqual(good.logged, []);
  await using over = await world(says({ active: false, sub: '1' }));
  assert.equal(await over.introspect(), 'refused');
});

it('the secret goes by the header, form-encoded; by the form where that alone is taken', async () => {
  await using by = await world(says({ active: true }));
  await by.introspect();
  const shown = Buffer.from(by.asked[0]!.authorization.slice(6), 'base64').toString();
  assert.equal(shown, 'chaski:very%2Dsecret%3Asecret');
  await using form = await world(says({ active: true }), { isByForm: true });
  await form.introspect();
  assert.equal(form.asked[0]!.authorization, '');
  assert.equal(new URLSearchParams(form.asked[0]!.body).get('client_secret'), secret);
});

const refusals: readonly (readonly [string, Answer])[] = [
  ['that it does not know us', says({ error: 'invalid_client' }, 401)],
  ['something that is no JSON', says('very-private')],
  ['nothing of active', says({ sub: '1', active: 'true' })],
  ['go elsewhere', (response) => response.writeHead(302, { location: '/more' }).end()],
];
for (const [what, answer] of refusals) {
  it(`an issuer that says ${what} has refused`, async () => {
    await using it = await world(answer);
    assert.equal(await it.introspect(), 'refused');
    assert.deepEqual(
      it.asked.map(({ path }) => path),
      ['/introspect'],
    );
  });
}

const absences: readonly (readonly [string, Answer])[] = [
  ['fails', says({ error: 'server_error' }, 500)],
  ['has too much to do', says({}, 429)],
  ['says nothing', () => {}],
  ['breaks off', (response) => response.destroy()],
  ['never ends', (response) => void response.writeHead(200).write('{')],
  ['says too much', says({ active: true, more: 'x'.repeat(300_000) })],
];
for (const [what, answer] of absences) {
  it(`an issuer that ${what} is away`, async () => {
    await using it = await world(answer);
    assert.equal(await it.introspect(), 'away');
  });
}

it('an address that may not be dialled is not', async () => {
  await using it = await world(says({ active: true }), { mayDial: false });
  assert.equal(await it.introspect(), 'away');
  assert.deepEqual(it.asked, []);
  assert.match(it.logged[0]!, /leads where none may go/);
});

it('userinfo of somebody else is refused', async () => {
  await using it = await world(says({ sub: '2', email: 'ann@here.test' }));
  assert.equal(await it.client.userInfo(it.at, token, '1'), 'refused');
  assert.deepEqual(await it.client.userInfo(it.at, token, '2'), {
    ...{ sub: '2', email: 'ann@here.test' },
  });
});

it('an issuer without a place to log in or out has none', async () => {
  await using it = await world(says({}));
  const asked = { redirectUrl: 'https://mail.test/', scopes: ['openid'], isFresh: false };
  const parts = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };
  assert.equal(await it.client.logInUrl(it.at, { ...asked, ...parts }), undefined);
  assert.equal(await it.client.logOutUrl(it.at, 'https://mail.test/'), undefined);
});
