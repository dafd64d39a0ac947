/**
 * Aim:    keys of an issuer are read from it alone, and no more often than the limits say, whatever tokens name.
 * Method: an issuer in memory that counts what it is asked, and a clock turned by hand.
 * Specs:  RFC 7517 §5.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../../src/base/log.ts';
import {
  freshMs,
  IssuerAway,
  IssuerKeys,
  keysMax,
  staleMsMax,
  unknownPauseMs,
} from '../../../../src/edge/guard/issuer-keys.ts';
import { MockIssuer } from '../../../support/mock-issuer.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const configuration = '/.well-known/openid-configuration';

async function world() {
  const issuer = new MockIssuer();
  await issuer.add('ed', 'EdDSA');
  const clock = new SeededClock();
  const keys = new IssuerKeys({ url: issuer.url, reader: issuer.reader, clock, log: silentLog });
  const find = async (kid: string) =>
    await keys.keyOf({ alg: 'EdDSA', kid }, { payload: '', signature: '' });
  return { issuer, clock, keys, find };
}

test('keys are read once, however many ask at once', async () => {
  const { issuer, find } = await world();
  await Promise.all(Array.from({ length: 50 }, () => find('ed')));
  await find('ed');
  assert.deepEqual(issuer.asked, [configuration, '/keys']);
});

test('a flood of keys nobody knows is one reading a minute, and known keys work meanwhile', async () => {
  const { issuer, clock, find } = await world();
  await find('ed');
  clock.advance(unknownPauseMs);
  for (let at = 0; at < 1_000; at++) await assert.rejects(find(`key-${at}`));
  assert.equal(issuer.asked.length, 4);
  await find('ed');
  clock.advance(unknownPauseMs - 1);
  await assert.rejects(find('another'));
  assert.equal(issuer.asked.length, 4);
});

test('a new key is found when a token names it', async () => {
  const { issuer, clock, find } = await world();
  await find('ed');
  clock.advance(unknownPauseMs);
  await issuer.add('new', 'EdDSA');
  assert.ok(await find('new'));
});

test('a key that its issuer withdrew opens nothing once keys were read again', async () => {
  const { issuer, clock, find } = await world();
  await find('ed');
  issuer.documents.set('/keys', { keys: [] });
  clock.advance(freshMs - 1);
  assert.ok(await find('ed'));
  clock.advance(1);
  await assert.rejects(find('ed'));
});

test('while the issuer is away its keys stay good for a day, and it is asked again in a while', async () => {
  const { issuer, clock, find } = await world();
  await find('ed');
  issuer.isAway = true;
  clock.advance(freshMs);
  for (let at = 0; at < 100; at++) assert.ok(await find('ed'));
  assert.equal(issuer.asked.length, 3);
  clock.advance(staleMsMax - freshMs + 1);
  await assert.rejects(find('ed'), IssuerAway);
  issuer.isAway = false;
  clock.advance(unknownPauseMs);
  assert.ok(await find('ed'));
});

const wrongs: readonly (readonly [string, string, unknown])[] = [
  [
    'of another issuer',
    configuration,
    { issuer: 'https://other.test', jwks_uri: 'https://issuer.test/keys' },
  ],
  [
    'with keys in clear',
    configuration,
    { issuer: 'https://issuer.test', jwks_uri: 'http://issuer.test/keys' },
  ],
  ['without a place of keys', configuration, { issuer: 'https://issuer.test' }],
  ['that is nothing', configuration, null],
  ['whose keys are no list', '/keys', { keys: {} }],
  [
    'with more keys than the limit',
    '/keys',
    { keys: Array.from({ length: keysMax + 1 }, () => ({ kty: 'OKP' })) },
  ],
];
for (const [what, path, document] of wrongs) {
  test(`a document ${what} gives no keys`, async () => {
    const { issuer, find } = await world();
    issuer.documents.set(path, document);
    await assert.rejects(find('ed'), IssuerAway);
  });
}

test('as many keys as the limit are taken; shared secrets and huge ones among them are not', async () => {
  const { issuer, find } = await world();
  const { keys } = issuer.documents.get('/keys') as { keys: object[] };
  const secret = { kty: 'oct', k: 'c2VjcmV0', kid: 'secret' };
  const huge = { kty: 'RSA', n: 'A'.repeat(10_000), e: 'AQAB', kid: 'huge' };
  const filler = Array.from({ length: keysMax - 3 }, () => secret);
  issuer.documents.set('/keys', { keys: [...keys, secret, huge, ...filler] });
  assert.ok(await find('ed'));
  await assert.rejects(find('secret'));
  await assert.rejects(find('huge'));
});

test('of the configuration, URLs count that nobody can listen on', async () => {
  const { issuer, keys } = await world();
  const said = issuer.documents.get(configuration) as object;
  issuer.documents.set(configuration, {
    ...said,
    token_endpoint: 'https://elsewhere.test/token',
    authorization_endpoint: 'javascript:alert(1)',
    introspection_endpoint: 'http://issuer.test/introspect',
    userinfo_endpoint: 17,
    scopes_supported: ['openid'],
  });
  assert.deepEqual(await keys.configuration(), {
    ...{ ...said, token_endpoint: 'https://elsewhere.test/token', scopes_supported: ['openid'] },
  });
});

test('a configuration is read again in time, and while its issuer is away it stays', async () => {
  const { issuer, clock, keys } = await world();
  await keys.configuration();
  await keys.configuration();
  assert.equal(issuer.asked.length, 2);
  issuer.isAway = true;
  clock.advance(freshMs);
  assert.equal((await keys.configuration()).issuer, issuer.url);
  clock.advance(staleMsMax);
  await assert.rejects(keys.configuration(), IssuerAway);
});
