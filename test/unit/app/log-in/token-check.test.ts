/**
 * Aim: a token that was good once is told as any other that is not, and counts as no guess; all others do.
 * Method: tokens of ours from real keys, and those of an issuer in memory, through the attempt of all protocols.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issuerTokenCheck } from '../../../../src/app/log-in/issuer-tokens.ts';
import { tokenCheck } from '../../../../src/app/log-in/token-check.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { hourMs, secondMs } from '../../../../src/base/units.ts';
import { IssuerKeys } from '../../../../src/edge/guard/issuer-keys.ts';
import { attempt } from '../../../../src/edge/guard/log-in.ts';
import { LogInThrottle } from '../../../../src/edge/guard/log-in-throttle.ts';
import { Sessions } from '../../../../src/edge/guard/sessions.ts';
import { type IssuerRules, TokenIssuer } from '../../../../src/edge/guard/token-issuer.ts';
import { TokenKeys } from '../../../../src/edge/guard/token-keys.ts';
import { MockIssuer } from '../../../support/mock-issuer.ts';
import { PasswordWorld } from '../../../support/password-world.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

async function world() {
  const { identity, clock, ann } = await PasswordWorld.open();
  const { directory, credentials } = identity;
  const random = new SeededRandom(4);
  const shared = { credentials, clock, random };
  const keys = await TokenKeys.open({ ...shared, log: silentLog, issuer: 'mail.test' });
  const sessions = new Sessions({ ...shared, directory, keys });
  const issuer = new MockIssuer();
  await issuer.add('ed', 'EdDSA');
  const rules: IssuerRules = {
    ...{ url: issuer.url, audiences: ['chaski'], domains: ['local.test'], accounts: [] },
    ...{ claim: 'email' as const, secondFactor: [] },
  };
  const log = silentLog;
  const issuerKeys = new IssuerKeys({ url: issuer.url, reader: issuer.reader, clock, log });
  const tokens = issuerTokenCheck({
    identity,
    issuers: [{ issuer: new TokenIssuer(rules, issuerKeys, clock) }],
    own: tokenCheck(sessions, directory),
  });
  const address = '192.0.2.1';
  const banned: string[] = [];
  const logIn = {
    ...{ authenticate: async () => assert.fail('no password was shown') },
    throttle: new LogInThrottle(),
    bans: { failed: (from: string) => void banned.push(from), isBanned: () => false },
  };
  const session = { logIn, address, listener: 'imap', tls: undefined, clock, log };
  const show = async (token: string) => {
    const answer = await attempt(session, ann.address, async () => {
      return await tokens.check(token, ann.address, session);
    });
    return answer.ok ? 'in' : answer.code;
  };
  const begin = () => sessions.begin(ann, { device: '', address, secondFactorMs: 0 });
  return { show, begin, ann, sessions, clock, issuer, banned };
}

test('a program that shows a token of ours that is over, or whose session ended, is never made to wait', async () => {
  const { show, begin, clock, sessions, banned } = await world();
  const over = await begin();
  clock.advance(hourMs);
  const ended = await begin();
  await sessions.revoke(ended.refreshToken);
  const good = await begin();
  for (let i = 0; i < 50; i++) {
    assert.equal(await show(over.accessToken), 'credentials-invalid');
    assert.equal(await show(ended.accessToken), 'credentials-invalid');
  }
  assert.deepEqual(banned, []);
  assert.equal(await show(good.accessToken), 'in');
});

test('the same of a token of another issuer', async () => {
  const { show, clock, issuer, ann, banned } = await world();
  const nowS = clock.nowMs() / secondMs;
  const claims = { email: ann.address, email_verified: true };
  const over = await issuer.token({ ...claims, exp: nowS - 300 });
  for (let i = 0; i < 50; i++) assert.equal(await show(over), 'credentials-invalid');
  assert.deepEqual(banned, []);
  assert.equal(await show(await issuer.token({ ...claims, exp: nowS + 300 })), 'in');
});

test('what nobody signed is a guess, of ours and of another issuer', async () => {
  for (const kind of ['ours', 'theirs']) {
    const { show, begin, clock, issuer, ann, banned } = await world();
    const exp = clock.nowMs() / secondMs - 300;
    const token =
      kind === 'ours'
        ? (await begin()).accessToken
        : await issuer.token({ email: ann.address, email_verified: true, exp });
    const [head, body] = token.split('.');
    const forged = `${head}.${body}.${Buffer.alloc(64, 1).toString('base64url')}`;
    for (let i = 0; i < 5; i++) assert.equal(await show(forged), 'credentials-invalid', kind);
    assert.equal(await show(forged), 'rate-exceeded', kind);
    assert.equal(banned.length, 5);
  }
});
