/**
 * Aim: an issuer that is not ours (oidc-provider, certified) lets a browser in, and a mail program by an opaque token.
 * Method: the whole server; the issuer by HTTP on this machine; redirects followed by hand, curl for IMAP.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import Provider from 'oidc-provider';
import { rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { fragmentOf, WebPage } from '../support/web-page.ts';

const run = promisify(execFile);
const origin = 'https://mail.here.test';
const ann = 'ann@here.test';
const password = 'correct horse battery';
const secret = 'a secret of: 32 characters & more';
const mailRedirect = 'https://program.test/back';

let folder = '';
let server: TestServer;
let http: Server;
let url = '';

function providerAt(issuer: string): Provider {
  const usual = { response_types: ['code' as const], grant_types: ['authorization_code'] };
  return new Provider(issuer, {
    clients: [
      {
        ...{ ...usual, client_id: 'chaski', client_secret: secret },
        redirect_uris: [`${origin}/api/v1/log-in/oidc/company/callback`],
        post_logout_redirect_uris: [`${origin}/`],
      },
      {
        ...{ ...usual, client_id: 'program', token_endpoint_auth_method: 'none' },
        redirect_uris: [mailRedirect],
      },
    ],
    findAccount: (_, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId, email: ann, email_verified: true }),
    }),
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: false }, introspection: { enabled: true } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    cookies: { keys: ['of a test'] },
    async loadExistingGrant({ oidc }) {
      const { Grant } = oidc.provider;
      const of = { clientId: oidc.client!.clientId, accountId: oidc.session!.accountId! };
      const grant = new Grant(of);
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
  });
}

before(async () => {
  let provider: Provider | undefined;
  let answer: ReturnType<Provider['callback']> | undefined;
  http = createServer((request, response) => {
    if (request.url!.startsWith('/interaction/'))
      void provider!.interactionFinished(request, response, { login: { accountId: '17' } });
    else void answer!(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  provider = providerAt(url);
  answer = provider.callback();
  folder = mkdtempSync(join(tmpdir(), 'chaski-provider-'));
  const clientSecretFile = join(folder, 'secret');
  writeFileSync(clientSecretFile, secret);
  const row = {
    ...{ url, audiences: ['program'], domains: ['here.test'], clientId: 'chaski' },
    ...{ clientSecretFile, web: true, introspection: true },
  };
  server = await startTestServer({
    ...{ 'listen.http': '127.0.0.1:0', 'listen.imaps': '127.0.0.1:0', 'public.url': origin },
    ...{ 'oidc.allowNetworks': '127.0.0.0/8', 'oidc.issuers': JSON.stringify({ company: row }) },
  });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address: ann, password });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  rmSync(folder, { recursive: true });
});

/** Follows the issuer's redirects, with its cookies, until one leads elsewhere. */
async function throughIssuer(place: string): Promise<string> {
  const cookies = new Map<string, string>();
  let at = place;
  for (let step = 0; step < 10; step++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    assert.ok(location !== null, `${answer.status} ${await answer.text()}`);
    at = new URL(location, at).href;
    if (!at.startsWith(url)) return at;
  }
  throw new Error('it goes round');
}

test('a browser logs in by it', async () => {
  const page = new WebPage(server, origin);
  const begun = await page.begin('company');
  assert.equal(begun.status, 303, begun.text);
  const back = await page.visit(await throughIssuer(begun.headers.location as string));
  const told = fragmentOf(back);
  assert.equal(told.get('error'), null);
  const { status, value, text } = await page.redeem(told.get('code')!);
  assert.equal(status, 200, text);
  const sessions = await rest(server, 'GET /api/v1/sessions', { token: value.accessToken });
  assert.equal(sessions.status, 200, sessions.text);
});

test('its own log-out is led to', async () => {
  const { headers } = await new WebPage(server, origin).visit(
    '/api/v1/log-in/oidc/company/log-out',
  );
  const page = await fetch(headers.location as string);
  assert.equal(page.status, 200, await page.text());
});

async function opaqueToken(): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const asked = new URLSearchParams({
    ...{ client_id: 'program', redirect_uri: mailRedirect, response_type: 'code' },
    ...{ scope: 'openid email', code_challenge: challenge, code_challenge_method: 'S256' },
  });
  const back = new URL(await throughIssuer(`${url}/auth?${asked}`));
  const body = new URLSearchParams({
    ...{ client_id: 'program', redirect_uri: mailRedirect, grant_type: 'authorization_code' },
    ...{ code: back.searchParams.get('code')!, code_verifier: verifier },
  });
  const answer = await fetch(`${url}/token`, { method: 'POST', body });
  const said = (await answer.json()) as { access_token: string };
  return said.access_token;
}

test('an opaque token of it opens IMAP, one that it never made does not', async () => {
  const list = (token: string) =>
    run('curl', [
      ...['--silent', '--insecure', '--max-time', '20', '--user', ann],
      ...['--login-options', 'AUTH=OAUTHBEARER', '--oauth2-bearer', token],
      `imaps://127.0.0.1:${server.ports.imaps}/`,
    ]);
  const token = await opaqueToken();
  assert.doesNotMatch(token, /\..*\./, 'it is opaque');
  const { stdout } = await list(token);
  assert.match(stdout, /INBOX/);
  await assert.rejects(list(`${token.slice(0, -4)}AAAA`));
});
