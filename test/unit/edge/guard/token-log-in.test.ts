/**
 * Aim: a second factor cannot be guessed, from wherever and by however many; what is told of a log-in is what became of
 * all of it.
 * Method: the log-in for tokens over a directory in memory, with a password that is known and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { hourMs, secondMs } from '../../../../src/base/units.ts';
import type { LogInTold } from '../../../../src/edge/guard/access-witness.ts';
import { noWitness } from '../../../../src/edge/guard/access-witness.ts';
import { FactorThrottle } from '../../../../src/edge/guard/factor-throttle.ts';
import { LogInThrottle } from '../../../../src/edge/guard/log-in-throttle.ts';
import { Sessions } from '../../../../src/edge/guard/sessions.ts';
import { TokenKeys } from '../../../../src/edge/guard/token-keys.ts';
import { TokenLogIn } from '../../../../src/edge/guard/token-log-in.ts';
import { annsPassword, PasswordWorld } from '../../../support/password-world.ts';
import { SeededRandom, turns } from '../../../support/seeded-clock.ts';

const user = 'ann@local.test';
const right = '424242';

async function world() {
  const { identity, clock, ann } = await PasswordWorld.open();
  const { secondFactors, directory, credentials } = identity;
  const row = { name: '', secret: 'c2VjcmV0IG9mIHRvdHA=', createdMs: 1 };
  const { id } = await secondFactors.addTotp(ann, row);
  await secondFactors.useTotp(ann, id, 1);
  const told: LogInTold[] = [];
  let looks = 0;
  const tokens = { accessToken: 'a', expiresIn: 1, refreshToken: 'r' };
  const logIn = new TokenLogIn({
    logIn: {
      throttle: new LogInThrottle(),
      witness: { ...noWitness, logIn: (each) => void told.push(each) },
      authenticate: async (_, password) =>
        password === 'right'
          ? { ok: true, account: ann, admission: { kind: 'other' } }
          : failure('credentials-invalid'),
    },
    checkSecondFactor: async (_, code) => {
      looks++;
      await Promise.resolve();
      return code === right || code === 'recovery-code';
    },
    factorThrottle: new FactorThrottle(),
    passkeys: { ownerOf: async () => undefined, check: async () => false },
    issuers: { take: () => undefined, giveBack() {}, isOpenTo: async () => false },
    ...{ secondFactors, directory, credentials, clock },
    sessions: { begin: async () => tokens } as unknown as Sessions,
    log: silentLog,
  });
  const grant = async (secondFactor?: string, address = '192.0.2.1', password = 'right') => {
    const asked = { name: user, password, device: '', address };
    const answer = await logIn.grant({
      ...asked,
      ...(secondFactor === undefined ? {} : { secondFactor }),
    });
    return answer.ok ? 'in' : answer.code;
  };
  return { logIn, grant, told, clock, ann, looks: () => looks };
}

test('guesses from a thousand addresses at once are five', async () => {
  const { grant, looks, clock } = await world();
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => grant('000000', `198.51.${i >> 8}.${i & 255}`)),
  );
  assert.equal(looks(), 5);
  assert.equal(answers.filter((code) => code === 'rate-exceeded').length, 995);
  assert.equal(await grant(right, '203.0.113.9'), 'rate-exceeded', 'whoever comes waits');
  clock.advance(10 * secondMs);
  assert.equal(await grant(right, '203.0.113.9'), 'in');
  assert.equal(await grant('000000', '203.0.113.10'), 'credentials-invalid', 'it starts anew');
});

test('each guess past the free ones waits twice as long, up to an hour', async () => {
  const { grant, clock } = await world();
  let number = 0;
  const next = () => {
    number++;
    return grant('000000', `198.51.100.${number}`);
  };
  for (let i = 0; i < 5; i++) assert.equal(await next(), 'credentials-invalid');
  for (let waitMs = 10 * secondMs; waitMs < 2 * hourMs; waitMs *= 2) {
    const wantedMs = Math.min(waitMs, hourMs);
    clock.advance(wantedMs - 1);
    assert.equal(await next(), 'rate-exceeded', `${wantedMs}`);
    clock.advance(1);
    assert.equal(await next(), 'credentials-invalid', `${wantedMs}`);
  }
});

test('who is made to wait for codes still gets in by what cannot be guessed', async () => {
  const { grant } = await world();
  for (let i = 0; i < 6; i++) await grant('000000', `198.51.100.${i}`);
  assert.equal(await grant(right), 'rate-exceeded');
  assert.equal(await grant('recovery-code'), 'in');
});

test('counters are few, and the one used longest ago goes first', () => {
  const limits = { attemptsFree: 1, waitMsFirst: 10, waitMsMax: 10, forgetMs: 100, entriesMax: 2 };
  const throttle = new FactorThrottle(limits);
  assert.deepEqual(
    ['a', 'b', 'a', 'c', 'a', 'b'].map((name) => throttle.begin(name, 0)),
    [true, true, false, true, true, true],
  );
});

test('half a log-in is told as refused, and a whole one once', async () => {
  const { grant, told, logIn, ann } = await world();
  await grant(undefined);
  await grant('000000');
  await grant(right, '192.0.2.1', 'wrong');
  await grant(right);
  await logIn.again(
    {
      ...{ kind: 'account', tenant: ann.tenant, account: ann.id, address: user },
      session: 1,
      secondFactorMs: 0,
    },
    '000000',
    '192.0.2.1',
  );
  assert.deepEqual(
    told.map(({ account, refusal, method }) => [account?.address ?? refusal, method ?? '']),
    [
      ['authentication-required', 'second-factor'],
      ['credentials-invalid', 'second-factor'],
      ['credentials-invalid', ''],
      [user, ''],
      ['credentials-invalid', 'second-factor'],
    ],
  );
});

/** Real passwords, sessions and a code that is right once the test lets it be looked at. */
async function passwordWorld(password = annsPassword, hash = '') {
  const world = await PasswordWorld.open();
  if (hash !== '') await world.desk.setHash(world.ann, hash);
  const { identity, clock, ann } = world;
  const { secondFactors, directory, credentials } = identity;
  const { id } = await secondFactors.addTotp(ann, {
    name: '',
    secret: 'c2VjcmV0IG9mIHRvdHA=',
    createdMs: 1,
  });
  await secondFactors.useTotp(ann, id, 1);
  const random = new SeededRandom(4);
  const shared = { credentials, clock, random };
  const keys = await TokenKeys.open({ ...shared, log: silentLog, issuer: 'mail.test' });
  const looked = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const told: LogInTold[] = [];
  const logIn = new TokenLogIn({
    logIn: {
      throttle: new LogInThrottle(),
      witness: { ...noWitness, logIn: (each) => void told.push(each) },
      authenticate: world.logIn.check,
      isSamePassword: world.upgrades.isSame.bind(world.upgrades),
    },
    checkSecondFactor: async () => {
      asked.resolve();
      await looked.promise;
      return true;
    },
    factorThrottle: new FactorThrottle(),
    issuers: { take: () => undefined, giveBack() {}, isOpenTo: async () => false },
    passkeys: { ownerOf: async () => undefined, check: async () => false },
    ...{ secondFactors, directory, credentials, clock, log: silentLog },
    sessions: new Sessions({ ...shared, directory, keys }),
  });
  const grant = logIn.grant({
    ...{ name: user, password, secondFactor: right },
    ...{ device: '', address: '192.0.2.1' },
  });
  await asked.promise;
  return { ...world, looked, grant, credentials, told };
}

test('a log-in under way ends with the password it began with', async () => {
  const { grant, looked, desk, ann, credentials, told } = await passwordWorld();
  await desk.set(ann, 'battery staple');
  looked.resolve();
  const answer = await grant;
  assert.equal(answer.ok ? 'in' : answer.code, 'credentials-invalid');
  assert.deepEqual(await credentials.sessions(ann), []);
  assert.deepEqual(
    told.map(({ refusal }) => refusal),
    ['credentials-invalid'],
  );
});

test('a password that is hashed anew meanwhile is the same password', async () => {
  // Drepper's own example: "Hello world!" with the salt saltstring.
  const old =
    '{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1';
  const { grant, looked, ann, identity, credentials } = await passwordWorld('Hello world!', old);
  const hashNow = async () => (await identity.directory.accountById(ann.id))?.passwordHash;
  for (let i = 0; i < 100 && (await hashNow()) === old; i++) await turns(5);
  assert.match((await hashNow())!, /^\$argon2id\$/);
  looked.resolve();
  assert.equal((await grant).ok, true);
  assert.equal((await credentials.sessions(ann)).length, 1);
});
