/**
 * Aim: a passkey opens its own account, once a challenge, from the pages it was made for, and nothing else.
 * Method: the guard over a directory in memory; an authenticator in software.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccountId, accountId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import {
  challengeMs,
  PasskeyChallenges,
  spentMax,
  spentPerAccountMax,
} from '../../../../src/edge/guard/passkey-challenges.ts';
import { Passkeys } from '../../../../src/edge/guard/passkeys.ts';
import { Authenticator, type AuthenticatorOptions } from '../../../support/authenticator.ts';
import { PasswordWorld } from '../../../support/password-world.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

const origin = 'https://mail.local.test';
const site = { domain: 'mail.local.test', origins: [origin], name: 'mx.test' };

async function open(given: Partial<AuthenticatorOptions> = {}) {
  const { identity, clock, ann } = await PasswordWorld.open();
  const factors = identity.secondFactors;
  const passkeys = new Passkeys({
    ...{ site, factors, clock, log: silentLog },
    random: new SeededRandom(9),
  });
  const key = new Authenticator({ origin, ...given });
  return { passkeys, key, ann, clock, factors };
}

async function opened(given: Partial<AuthenticatorOptions> = {}) {
  const world = await open(given);
  const { passkeys, key, ann } = world;
  await passkeys.add(ann, 'phone', key.create(await passkeys.creationOptions(ann)));
  const shown = (more = {}) => key.get(passkeys.requestOptions()!, more);
  return { ...world, shown };
}

test('a passkey is made under its name, and is a second factor from then on', async () => {
  const { ann, factors, passkeys, shown, key } = await opened();
  assert.equal(await factors.hasSecondFactor(ann), true);
  const [row] = (await factors.secondFactors(ann)).passkeys;
  assert.deepEqual([row?.name, row?.counter, row?.transports], ['phone', 0, ['internal']]);
  const { excludeCredentials } = await passkeys.creationOptions(ann);
  const id = key.credentialId.toString('base64url');
  assert.deepEqual(excludeCredentials, [{ type: 'public-key', id }]);
  assert.deepEqual(await passkeys.ownerOf(shown()), { tenant: ann.tenant, id: ann.id });
  assert.equal(await passkeys.check(ann, shown()), true);
});

test('what is shown twice is good once, of two at the same time as well', async () => {
  const { ann, passkeys, shown } = await opened({ counterStep: 0 });
  const one = shown();
  const both = await Promise.all([passkeys.check(ann, one), passkeys.check(ann, one)]);
  assert.deepEqual(both.sort(), [false, true]);
  assert.equal(await passkeys.check(ann, one), false);
  assert.equal(await passkeys.check(ann, shown()), true, 'another challenge');
});

test('a challenge is good for its time, and for what it was made for', async () => {
  const { ann, passkeys, shown, clock, key } = await opened();
  const late = shown();
  clock.advance(challengeMs);
  assert.equal(await passkeys.check(ann, late), false);
  const { challenge } = await passkeys.creationOptions(ann);
  const wrong = key.get({ rpId: site.domain, challenge });
  assert.equal(await passkeys.check(ann, wrong), false, 'it was to make one');
  const second = new Authenticator({ origin });
  const made = second.create({
    ...(await passkeys.creationOptions(ann)),
    challenge: passkeys.requestOptions()!.challenge,
  });
  await assert.rejects(passkeys.add(ann, 'second', made), { code: 'argument-invalid' });
  const others = await passkeys.creationOptions({ ...ann, id: (ann.id + 1) as typeof ann.id });
  await assert.rejects(passkeys.add(ann, 'second', second.create(others)), /refused/);
});

const wrongs: readonly (readonly [string, Partial<AuthenticatorOptions>])[] = [
  ['another page', { origin: 'https://evil.test' }],
  ['a page in clear', { origin: 'http://mail.local.test' }],
  ['a user who is not verified', { isUserUnverified: true }],
];
for (const [what, given] of wrongs) {
  test(`${what} neither makes a passkey nor shows one`, async () => {
    const { passkeys, key, ann } = await open({ origin, ...given });
    const made = key.create(await passkeys.creationOptions(ann));
    await assert.rejects(passkeys.add(ann, 'phone', made), { code: 'argument-invalid' });
    const good = await opened();
    good.key.options = { origin, ...given };
    assert.equal(await good.passkeys.check(good.ann, good.shown()), false);
    good.key.options = { origin };
    assert.equal(await good.passkeys.check(good.ann, good.shown()), true);
  });
}

test('a passkey of another domain, of nobody, or with a broken signature opens nothing', async () => {
  const { passkeys, key, ann, shown } = await opened();
  const { challenge } = passkeys.requestOptions()!;
  assert.equal(await passkeys.check(ann, key.get({ rpId: 'evil.test', challenge })), false);
  const strange = new Authenticator({ origin }).get(passkeys.requestOptions()!);
  assert.equal(await passkeys.check(ann, strange), false);
  assert.equal(await passkeys.ownerOf(strange), undefined);
  const broken = shown();
  const response = { ...broken.response, signature: shown().response.signature };
  assert.equal(await passkeys.check(ann, { ...broken, response }), false);
  assert.equal(await passkeys.check(ann, shown({ userHandle: 'AAAAAAAAAAk' })), false);
});

test('a sign counter that does not rise shows a copy, which opens nothing', async () => {
  const { passkeys, key, ann, shown } = await opened();
  assert.equal(await passkeys.check(ann, shown()), true);
  key.counter = 0;
  assert.equal(await passkeys.check(ann, shown()), false);
  assert.equal(await passkeys.check(ann, shown()), true, 'it rose over what was known');
});

test('without web pages there are no passkeys', async () => {
  const { identity, clock, ann } = await PasswordWorld.open();
  const passkeys = new Passkeys({
    ...{ site: undefined, factors: identity.secondFactors, clock, log: silentLog },
    random: new SeededRandom(9),
  });
  assert.equal(passkeys.requestOptions(), undefined);
  await assert.rejects(passkeys.creationOptions(ann), { code: 'not-possible-now' });
});

test('challenges cost nothing until one is spent, and so many are remembered', () => {
  const clock = new SeededClock();
  const challenges = new PasskeyChallenges(clock, new SeededRandom(3));
  const first = challenges.make('show');
  const [ann, bob] = [accountId(1), accountId(2)];
  assert.equal(challenges.spend(ann, first), true);
  assert.equal(challenges.isGood('show', first), false);
  assert.equal(challenges.spend(bob, first), false);
  for (let count = 1; count < spentMax; count++) {
    const account = accountId(3 + Math.floor(count / spentPerAccountMax));
    assert.equal(challenges.spend(account, `other ${count}`), true);
  }
  assert.equal(challenges.spend(ann, challenges.make('show')), false, 'no room to remember it');
  clock.advance(challengeMs);
  assert.equal(challenges.spend(ann, challenges.make('show')), true);
  const text = challenges.make('show');
  assert.equal(challenges.isGood('show', text), true);
  for (const wrong of ['', 'x', `${text}A`, text.slice(0, -4), `${text}=`]) {
    assert.equal(challenges.isGood('show', wrong), false, wrong);
  }
});

test('one account that spends many keeps no other out, and is let in again later', () => {
  const clock = new SeededClock();
  const challenges = new PasskeyChallenges(clock, new SeededRandom(3));
  const [ann, bob] = [accountId(1), accountId(2)];
  const spend = (account: AccountId) => challenges.spend(account, challenges.make('show'));
  for (let count = 0; count < spentPerAccountMax; count++) {
    assert.equal(spend(ann), true);
    clock.advance(1);
  }
  assert.deepEqual([spend(ann), spend(bob)], [false, true]);
  clock.advance(challengeMs - spentPerAccountMax);
  assert.deepEqual([spend(ann), spend(ann)], [true, false], 'the first one is over');
});
