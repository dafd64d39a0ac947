/**
 * Aim: mail programs log in by opaque tokens that their issuer vouches for; it is asked for those of its own domains
 * alone, not again and again, and its being away counts against nobody. A wrong token learns where to get one.
 * Method: the whole server, an issuer by HTTP, imapflow and IMAP by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { CodeIssuer } from '../support/code-issuer.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const ann = 'ann@here.test';
const eve = 'eve@elsewhere.test';
const password = 'correct horse battery';
const said = { aud: 'chaski', sub: '17', email: ann, email_verified: true, amr: ['otp'] };

let folder = '';
let server: TestServer;
let issuer: CodeIssuer;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chaski-opaque-'));
  const clientSecretFile = join(folder, 'secret');
  writeFileSync(clientSecretFile, 'secret');
  issuer = await new CodeIssuer('chaski', 'secret').open();
  const row = {
    ...{ url: issuer.url, audiences: ['chaski'], domains: ['here.test'] },
    ...{ clientId: 'chaski', clientSecretFile, introspection: true },
  };
  const jwts = { url: 'https://id.test', audiences: ['chaski'], domains: ['elsewhere.test'] };
  server = await startTestServer({
    ...{ 'listen.imaps': '127.0.0.1:0', 'oidc.allowNetworks': '127.0.0.0/8' },
    'oidc.issuers': JSON.stringify({ company: row, jwts }),
  });
  for (const name of ['here.test', 'elsewhere.test']) await server.call('domain.create', { name });
  for (const address of [ann, eve]) await server.call('account.create', { address, password });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Refusal {
  readonly serverResponseCode?: string;
  readonly oauthError?: Readonly<Record<string, string>>;
}

async function byImap(user: string, accessToken: string): Promise<void> {
  const flow = new ImapFlow({
    ...{ host: '127.0.0.1', port: server.ports.imaps!, secure: true, logger: false },
    ...{ tls: { rejectUnauthorized: false }, auth: { user, accessToken } },
  });
  flow.on('error', () => {});
  await flow.connect();
  await flow.logout();
}

async function refusalOf(user: string, token: string): Promise<Refusal> {
  return await byImap(user, token).then(
    () => assert.fail('it is in'),
    (error: Refusal) => error,
  );
}

test('an active token opens the account it names, and is asked for once', async () => {
  issuer.opaque.set('one', said);
  const asked = issuer.count('/introspect');
  for (let at = 0; at < 3; at++) await byImap(ann, 'one');
  assert.equal(issuer.count('/introspect') - asked, 1);
});

test('one that is not for us, not active, or names nobody that may be opened, does not', async () => {
  issuer.opaque.set('of-another-client', { ...said, aud: 'calendar' });
  issuer.opaque.set('not-verified', { ...said, email_verified: false });
  issuer.opaque.set('of-a-neighbour', { ...said, email: eve });
  const asked = issuer.count('/introspect');
  for (const token of ['of-another-client', 'not-verified', 'of-a-neighbour', 'nobody-knows'])
    await refusalOf(ann, token);
  assert.equal(issuer.count('/introspect') - asked, 4);
});

test('a token is shown to the issuer of the domain that is named, and to no other', async () => {
  const asked = issuer.count('/introspect');
  await refusalOf(eve, 'a-token-of-somebody');
  await refusalOf('eve@nowhere.test', 'a-token-of-somebody');
  assert.equal(issuer.count('/introspect'), asked);
});

test('a wrong token learns where its issuer is, by the domain that was named', async () => {
  const { oauthError } = await refusalOf(ann, 'wrong-again');
  const place = `${issuer.url}/.well-known/openid-configuration`;
  assert.equal(oauthError?.['openid-configuration'], place);
  assert.equal(oauthError.status, 'invalid_token');
  const nobody = await refusalOf('nobody@here.test', 'wrong-too');
  assert.equal(nobody.oauthError?.['openid-configuration'], place, 'there or not');
  const elsewhere = await refusalOf('eve@nowhere.test', 'wrong-still');
  assert.equal(elsewhere.oauthError?.['openid-configuration'], undefined);
});

test('while the issuer is away log-ins hear that, and none counts as a guess', async () => {
  issuer.opaque.set('two', said);
  issuer.mock.isAway = true;
  for (let at = 0; at < 10; at++) {
    const { serverResponseCode } = await refusalOf(ann, `token-${at}`);
    assert.equal(serverResponseCode, 'UNAVAILABLE');
  }
  assert.deepEqual((await server.call('ban.list', {})).bans, []);
  await byImap(ann, 'one');
});
