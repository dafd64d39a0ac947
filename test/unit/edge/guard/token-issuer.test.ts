/**
 * Aim:    a token opens only what its issuer signed for us, in its time, by a public key; all forgeries are invalid.
 * Method: an issuer in memory, and tokens made by hand.
 * Specs:  RFC 7519 §4.1, RFC 8725 §3.1, §3.11.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JWTPayload } from 'jose';
import { silentLog } from '../../../../src/base/log.ts';
import { secondMs } from '../../../../src/base/units.ts';
import { IssuerKeys } from '../../../../src/edge/guard/issuer-keys.ts';
import {
  type IssuerRules,
  isJwt,
  skewMs,
  TokenIssuer,
  untoldLifeMs,
} from '../../../../src/edge/guard/token-issuer.ts';
import { type MockAlgorithm, MockIssuer } from '../../../support/mock-issuer.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const email = 'ann@here.test';

async function world(rules: Partial<IssuerRules> = {}) {
  const issuer = new MockIssuer();
  await issuer.add('ed', 'EdDSA');
  const clock = new SeededClock();
  const { url, reader } = issuer;
  const keys = new IssuerKeys({ url, reader, clock, log: silentLog });
  const all: IssuerRules = {
    ...{ url, audiences: ['chaski', 'mail'], domains: ['here.test'], claim: 'email' },
    ...{ accounts: [], secondFactor: [], ...rules },
  };
  const nowS = clock.nowMs() / secondMs;
  const claims: JWTPayload = { email, email_verified: true, exp: nowS + 300 };
  return { issuer, clock, nowS, claims, reads: new TokenIssuer(all, keys, clock) };
}

const good = {
  ...{ address: email, isWithSecondFactor: false },
  untilMs: new SeededClock().nowMs() + 300 * secondMs + skewMs,
};

for (const alg of ['RS256', 'ES256', 'EdDSA'] satisfies MockAlgorithm[]) {
  test(`a token signed by ${alg} names its account`, async () => {
    const { issuer, claims, reads } = await world();
    await issuer.add('one', alg);
    assert.deepEqual(await reads.read(await issuer.token(claims, { alg, kid: 'one' })), good);
  });
}

test('other algorithms are refused, even by a key of the issuer', async () => {
  const { issuer, claims, reads } = await world();
  await issuer.add('one', 'PS256');
  const token = await issuer.token(claims, { alg: 'PS256', kid: 'one' });
  assert.equal(await reads.read(token), 'invalid');
});

test('alg none, and HS256 with the public key as its secret, are refused', async () => {
  const { issuer, claims, reads } = await world();
  await issuer.add('rsa', 'RS256');
  const body = (await issuer.token(claims)).split('.')[1]!;
  for (const alg of ['none', 'None', 'NONE']) {
    const head = Buffer.from(JSON.stringify({ alg, kid: 'ed' })).toString('base64url');
    assert.equal(await reads.read(`${head}.${body}.`), 'invalid');
  }
  const pem = issuer.publicKey('rsa').export({ type: 'spki', format: 'pem' });
  const secret = Buffer.from(pem as string);
  const token = await issuer.token(claims, { alg: 'HS256', kid: 'rsa' }, secret);
  assert.equal(await reads.read(token), 'invalid');
});

test('a key that the token brings along, or the issuer does not list, signs nothing', async () => {
  const { issuer, claims, reads } = await world();
  await issuer.add('mine', 'EdDSA', true);
  const jwk = issuer.publicKey('mine').export({ format: 'jwk' });
  for (const extra of [{}, { jwk }, { jku: 'https://issuer.test/mine', jwk }]) {
    const head = { alg: 'EdDSA', kid: 'mine', ...extra } as { alg: string; kid: string };
    assert.equal(await reads.read(await issuer.token(claims, head)), 'invalid');
  }
  assert.ok(!issuer.asked.includes('/mine'));
});

test('another issuer, another audience, and a claim changed after signing are refused', async () => {
  const { issuer, claims, reads } = await world();
  const forged = [
    { iss: 'https://other.test' },
    { iss: `${issuer.url}/` },
    { aud: 'other' },
    { aud: [] },
  ];
  for (const wrong of forged)
    assert.equal(await reads.read(await issuer.token({ ...claims, ...wrong })), 'invalid');
  const [head, , signature] = (await issuer.token(claims)).split('.');
  const [, body] = (await issuer.token({ ...claims, email: 'bob@here.test' })).split('.');
  assert.equal(await reads.read(`${head}.${body}.${signature}`), 'invalid');
  assert.deepEqual(await reads.read(await issuer.token({ ...claims, aud: ['x', 'mail'] })), good);
});

test('times count, give or take the skew', async () => {
  const { issuer, clock, nowS, claims, reads } = await world();
  const skewS = skewMs / secondMs;
  const token = await issuer.token(claims);
  const later = await issuer.token({ ...claims, nbf: nowS + skewS });
  const laterStill = await issuer.token({ ...claims, nbf: nowS + skewS + 1 });
  assert.deepEqual(await reads.read(later), good);
  assert.equal(await reads.read(laterStill), 'invalid');
  clock.advance(300 * secondMs + skewMs - secondMs);
  assert.deepEqual(await reads.read(token), good);
  clock.advance(secondMs);
  assert.equal(await reads.read(token), 'over');
});

test('a token that is over and was never one for us is no more than invalid', async () => {
  const { issuer, claims, reads } = await world();
  const over = { ...claims, exp: 1 };
  assert.equal(await reads.read(await issuer.token(over)), 'over');
  assert.equal(await reads.read(await issuer.token({ ...over, aud: 'other' })), 'invalid');
  const [head, body] = (await issuer.token(over)).split('.');
  const [, , signature] = (await issuer.token(claims)).split('.');
  assert.equal(await reads.read(`${head}.${body}.${signature}`), 'invalid');
});

test('a token without an end, or of another kind, is refused', async () => {
  const { issuer, claims, reads } = await world();
  const { exp, ...endless } = claims;
  assert.equal(typeof exp, 'number');
  assert.equal(await reads.read(await issuer.token(endless)), 'invalid');
  const typed = async (typ: string) =>
    await reads.read(await issuer.token(claims, { alg: 'EdDSA', kid: 'ed', typ }));
  for (const typ of ['at+jwt', 'application/at+jwt', 'JWT'])
    assert.deepEqual(await typed(typ), good);
  for (const typ of ['logout+jwt', 'dpop+jwt', '']) assert.equal(await typed(typ), 'invalid');
});

test('an address that was not verified names nobody', async () => {
  const { issuer, claims, reads } = await world();
  for (const said of [false, undefined, 'true', 1]) {
    const told = await reads.read(await issuer.token({ ...claims, email_verified: said }));
    assert.deepEqual(told, { ...good, address: '' });
  }
  const list = await issuer.token({ ...claims, email: [email] });
  assert.deepEqual(await reads.read(list), { ...good, address: '' });
});

test('sub names the account by the list of accounts, or as an address where there is none', async () => {
  const listed = await world({ claim: 'sub', accounts: [{ sub: '17', address: email }] });
  const { issuer, claims } = listed;
  assert.deepEqual(await listed.reads.read(await issuer.token({ ...claims, sub: '17' })), good);
  const stranger = await issuer.token({ ...claims, sub: 'bob@here.test' });
  assert.deepEqual(await listed.reads.read(stranger), { ...good, address: '' });
  const plain = await world({ claim: 'sub' });
  const token = await plain.issuer.token({ ...plain.claims, sub: email, email: 'bob@here.test' });
  assert.deepEqual(await plain.reads.read(token), good);
});

test('a second factor counts where the settings name what the token says of it', async () => {
  const { issuer, claims, reads } = await world({ secondFactor: ['otp', 'urn:two'] });
  const strong = async (extra: JWTPayload, by = reads) =>
    (await by.read(await issuer.token({ ...claims, ...extra }))) as typeof good;
  assert.equal((await strong({ amr: ['pwd', 'otp'] })).isWithSecondFactor, true);
  assert.equal((await strong({ acr: 'urn:two' })).isWithSecondFactor, true);
  for (const weak of [{ amr: ['pwd'] }, { amr: 'otp' }, { acr: 'urn:one' }, { amr: ['*'] }, {}])
    assert.equal((await strong(weak)).isWithSecondFactor, false);
});

test('where the issuer cannot be asked, the token is neither good nor bad', async () => {
  const { issuer, claims, reads } = await world();
  issuer.isAway = true;
  assert.equal(await reads.read(await issuer.token(claims)), 'away');
});

test('a token that is bound to a key of its client opens nothing without it', async () => {
  const { issuer, claims, reads } = await world();
  const token = await issuer.token({ ...claims, cnf: { jkt: 'x' } });
  assert.equal(await reads.read(token), 'invalid');
});

const asked = { clientId: 'web', nonce: 'n' };
const forUs: JWTPayload = { aud: 'web', nonce: 'n' };

test('an ID token names its account, for the client and the log-in it was asked for', async () => {
  const { issuer, claims, reads, nowS } = await world();
  const read = async (more: Record<string, unknown>, header = { alg: 'EdDSA', kid: 'ed' }) =>
    await reads.readIdToken(await issuer.token({ ...claims, ...forUs, ...more }, header), asked);
  const named = { ...good, sub: '1', authenticatedMs: 0, isWithoutAddress: false };
  assert.deepEqual(await read({}), named);
  assert.deepEqual(await read({ aud: ['web'], azp: 'web' }), named);
  assert.deepEqual(await read({ aud: ['web', 'x'], azp: 'web' }), named);
  for (const wrong of [
    ...[{ nonce: 'm' }, { nonce: undefined }, { nonce: ['n'] }],
    ...[{ aud: 'chaski' }, { aud: ['web', 'x'] }, { azp: 'x' }, { aud: ['web', 'x'], azp: 'x' }],
    ...[{ iss: 'https://other.test' }, { exp: nowS - 31 }, { exp: undefined }],
  ])
    assert.equal(await read(wrong), 'invalid', JSON.stringify(wrong));
  const typed = { alg: 'EdDSA', kid: 'ed', typ: 'at+jwt' };
  assert.equal(await read({}, typed), 'invalid', 'an access token is no ID token');
  assert.equal(await reads.read(await issuer.token({ ...claims, ...forUs })), 'invalid');
});

test('when the issuer saw its user is told, and never later than now', async () => {
  const { issuer, claims, reads, nowS, clock } = await world();
  const seenAt = async (auth_time: unknown) => {
    const token = await issuer.token({ ...claims, ...forUs, auth_time });
    const read = await reads.readIdToken(token, asked);
    return typeof read === 'string' ? read : read.authenticatedMs;
  };
  assert.equal(await seenAt(nowS - 60), (nowS - 60) * secondMs);
  assert.equal(await seenAt(nowS + 9_999), clock.nowMs());
  for (const none of [undefined, '1', 0, -1]) assert.equal(await seenAt(none), 0);
});

test('what introspection says counts for us alone, in its time, of bearer tokens', async () => {
  const { issuer, reads, nowS, clock } = await world();
  const said = { active: true, aud: 'chaski', email, email_verified: true };
  const full = { ...said, iss: issuer.url, exp: nowS + 300, token_type: 'Bearer', typ: 'bearer' };
  for (const each of [full, { ...full, aud: undefined, client_id: 'mail' }])
    assert.deepEqual(reads.readActive(each), good);
  assert.deepEqual(reads.readActive(said), { ...good, untilMs: clock.nowMs() + untoldLifeMs });
  for (const wrong of [
    ...[{ aud: 'x' }, { aud: [] }, { aud: 'x', client_id: 'chaski' }, { aud: undefined }],
    ...[{ iss: 'https://other.test' }, { iss: null }, { exp: nowS - 30 }, { exp: 'never' }],
    ...[{ nbf: nowS + 31 }, { token_type: 'DPoP' }, { typ: 'Refresh' }, { cnf: {} }],
  ])
    assert.equal(reads.readActive({ ...full, ...wrong }), 'invalid', JSON.stringify(wrong));
  const unverified = reads.readActive({ ...full, email_verified: 'true' });
  assert.deepEqual(unverified, { ...good, address: '' });
  clock.advance(300 * secondMs + skewMs - 1);
  assert.deepEqual(reads.readActive(full), good);
  clock.advance(1);
  assert.equal(reads.readActive(full), 'invalid');
});

test('an opaque token is no JWT', async () => {
  const { issuer, claims } = await world();
  assert.ok(isJwt(await issuer.token(claims)));
  for (const token of ['opaque', 'ya29.a0-b', 'a.b.c', '', '..', 'bnVsbA.e30.'])
    assert.ok(!isJwt(token), token);
});
