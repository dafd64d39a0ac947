/**
 * Aim: keys rotate with an overlap, and a session ends in time, with its account and by a refresh token shown twice.
 * Method: a directory in memory, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryIdentity } from '../../../../src/adapters/memory/memory-directory.ts';
import { defaultTenant } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, minuteMs } from '../../../../src/base/units.ts';
import { idleMs, principalOf, Sessions, wholeMs } from '../../../../src/edge/guard/sessions.ts';
import { keptMs, signMs, TokenKeys } from '../../../../src/edge/guard/token-keys.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

const facts = { device: 'test', address: '192.0.2.1', secondFactorMs: 0 };

const annRow = {
  tenant: defaultTenant,
  address: 'ann@a.test',
  isEnabled: true,
  quotaBytes: 0,
  sendAs: [],
  createdMs: 0,
};

async function emptyWorld() {
  const identity = createMemoryIdentity();
  await identity.directory.putDomain({ name: 'a.test', tenant: defaultTenant, createdMs: 0 });
  return identity;
}

async function world() {
  const { directory, credentials } = await emptyWorld();
  const account = await directory.createAccount(annRow);
  const clock = new SeededClock();
  const random = new SeededRandom(7);
  const open = async (issuer = 'mx.test') => {
    const parts = { credentials, clock, random, log: silentLog };
    const keys = await TokenKeys.open({ ...parts, issuer });
    return { keys, sessions: new Sessions({ ...parts, directory, keys }) };
  };
  const { keys, sessions } = await open();
  return { directory, credentials, account, clock, keys, sessions, open };
}

describe('keys of tokens', () => {
  test('a new key signs in time, and tokens of the one before are good as long as they live', async () => {
    const { credentials, account, clock, keys, sessions } = await world();
    const { accessToken, refreshToken } = await sessions.begin(account, facts);
    clock.jump(5 * minuteMs);
    clock.jump(signMs - 10 * minuteMs);
    const young = await sessions.renew(refreshToken);
    assert.ok(young.ok);
    clock.jump(5 * minuteMs);
    await keys.renew();
    assert.equal((await credentials.tokenKeys()).length, 2);
    assert.equal((await sessions.check(accessToken, '')).ok, false, 'it is over');
    assert.equal((await sessions.check(young.tokens.accessToken, '')).ok, true);
    const next = await sessions.renew(young.tokens.refreshToken);
    assert.ok(next.ok);
    const kidOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
    assert.notEqual(kidOf(next.tokens.accessToken), kidOf(accessToken));
    clock.jump(signMs + keptMs);
    await keys.renew();
    assert.equal((await credentials.tokenKeys()).length, 1, 'those before are forgotten');
  });

  test('a start reads the keys that are there, and another server’s tokens are none of ours', async () => {
    const { credentials, account, sessions, open } = await world();
    const { accessToken } = await sessions.begin(account, facts);
    const again = await open();
    assert.equal((await credentials.tokenKeys()).length, 1);
    assert.equal((await again.sessions.check(accessToken, '')).ok, true);
    const other = await open('other.test');
    assert.equal((await other.sessions.check(accessToken, '')).ok, false);
  });

  test('servers that come to one directory at once have one key, and each checks the other’s tokens', async () => {
    const { directory, credentials } = await emptyWorld();
    const account = await directory.createAccount(annRow);
    const clock = new SeededClock();
    const open = async (seed: number) => {
      const parts = { credentials, clock, random: new SeededRandom(seed), log: silentLog };
      const keys = await TokenKeys.open({ ...parts, issuer: 'mx.test' });
      return { keys, sessions: new Sessions({ ...parts, directory, keys }) };
    };
    const both = await Promise.all([open(1), open(2)]);
    for (let week = 0; week < 3; week++) {
      assert.equal((await credentials.tokenKeys()).length, 1 + week);
      const shown = await Promise.all(both.map(({ sessions }) => sessions.begin(account, facts)));
      for (const { sessions } of both) {
        for (const { accessToken } of shown) {
          assert.equal((await sessions.check(accessToken, '')).ok, true);
        }
      }
      clock.jump(signMs);
      await Promise.all(both.map(({ keys }) => keys.renew()));
    }
  });

  test('a key that another server made is known before its next look, and forged names ask for none', async () => {
    const { credentials, account, clock, keys, sessions, open } = await world();
    clock.jump(signMs);
    const other = await open();
    const { accessToken } = await other.sessions.begin(account, facts);
    assert.equal((await sessions.check(accessToken, '')).ok, true);
    const [, ...rest] = accessToken.split('.');
    const head = Buffer.from('{"alg":"EdDSA","typ":"at+jwt","kid":"nobody"}').toString('base64url');
    assert.equal((await sessions.check([head, ...rest].join('.'), '')).ok, false);
    assert.equal(await keys.isSigned(accessToken), true);
    assert.equal((await credentials.tokenKeys()).length, 2);
  });

  test('a key that is not durable signs nothing', async () => {
    const { credentials, account, clock, keys, sessions } = await world();
    clock.jump(signMs);
    credentials.addTokenKey = () => Promise.reject(new Error('disk'));
    await assert.rejects(keys.renew(), /disk/);
    const { accessToken } = await sessions.begin(account, facts);
    const [known] = await credentials.tokenKeys();
    const [head] = accessToken.split('.');
    assert.equal(JSON.parse(Buffer.from(head!, 'base64url').toString()).kid, known!.id);
  });
});

describe('a session', () => {
  test('ends when it is not renewed, and some day in any case', async () => {
    const { account, clock, sessions, keys } = await world();
    const left = await sessions.begin(account, facts);
    clock.jump(idleMs);
    assert.equal((await sessions.renew(left.refreshToken)).ok, false);
    await keys.renew();
    let { refreshToken } = await sessions.begin(account, facts);
    let renewedMs = 0;
    for (; ; renewedMs += 20 * dayMs) {
      clock.jump(20 * dayMs);
      await keys.renew();
      const renewed = await sessions.renew(refreshToken);
      if (!renewed.ok) break;
      ({ refreshToken } = renewed.tokens);
    }
    assert.equal(renewedMs, 80 * dayMs);
    assert.ok(renewedMs < wholeMs);
  });

  test('is no more once its account is disabled or gone', async () => {
    const { directory, account, sessions } = await world();
    const { accessToken } = await sessions.begin(account, facts);
    const shown = await sessions.check(accessToken, '192.0.2.9');
    assert.ok(shown.ok);
    assert.equal(principalOf(shown).address, 'ann@a.test');
    await directory.putAccount({ ...account, isEnabled: false });
    assert.equal((await sessions.check(accessToken, '')).ok, false);
    await directory.putAccount(account);
    assert.equal((await sessions.check(accessToken, '')).ok, true);
    await directory.deleteAccount(account.id);
    assert.equal((await sessions.check(accessToken, '')).ok, false);
  });

  test('is no more once its tenant wants a second factor that it has not seen', async () => {
    const { account, credentials, sessions } = await world();
    const { accessToken, refreshToken } = await sessions.begin(account, facts);
    const shown = await sessions.begin(account, { ...facts, secondFactorMs: 1 });
    const { logIn, ...policy } = await credentials.policy(account.tenant);
    await credentials.putPolicy({ ...policy, logIn: { ...logIn, needsSecondFactor: true } });
    assert.equal((await sessions.check(accessToken, '')).ok, false);
    assert.equal((await sessions.renew(refreshToken)).ok, false);
    assert.equal((await sessions.check(shown.accessToken, '')).ok, true);
  });

  test('of two that renew with one token at a time one is let, and then nobody', async () => {
    const { account, credentials, sessions } = await world();
    const { refreshToken } = await sessions.begin(account, facts);
    const both = await Promise.all([sessions.renew(refreshToken), sessions.renew(refreshToken)]);
    assert.equal(both.filter(({ ok }) => ok).length, 1);
    assert.deepEqual(await credentials.sessions(account), []);
  });

  test('is not ended by who knows its number alone', async () => {
    const { account, credentials, sessions, open } = await world();
    await sessions.begin(account, facts);
    const stranger = await open('other.test');
    const forged = await stranger.sessions.begin(account, facts);
    await sessions.revoke(forged.refreshToken);
    await sessions.renew(forged.refreshToken);
    await sessions.revoke('nonsense');
    assert.equal((await credentials.sessions(account)).length, 2);
  });
});
