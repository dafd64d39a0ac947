/**
 * Aim: a session ends with what let it in, and no other does.
 * Method: the real standing over a directory in memory; sessions that note when they are told to end.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standingIn } from '../../../../src/app/log-in/standing.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { secondMs } from '../../../../src/base/units.ts';
import { type Admission, LiveSessions } from '../../../../src/edge/guard/live-sessions.ts';
import type { Account, DirectoryChange } from '../../../../src/ports/account-directory.ts';
import { annsPassword, PasswordWorld } from '../../../support/password-world.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

class FakeSession {
  account: Account | undefined;
  readonly admission: Admission;
  isOver = false;

  constructor(account: Account, admission: Admission) {
    this.account = account;
    this.admission = admission;
  }

  accessEnded(): void {
    this.isOver = true;
  }
}

async function open() {
  const world = await PasswordWorld.open();
  const { identity, clock, upgrades } = world;
  const { directory, credentials } = identity;
  let looks = 0;
  const real = standingIn({ identity, upgrades, clock });
  const standing: typeof real = (of) => {
    looks++;
    return real(of);
  };
  const live = new LiveSessions({ directory, standing, clock, log: silentLog });
  const bob = await directory.createAccount({
    ...{ tenant: world.ann.tenant, address: 'bob@local.test', isEnabled: true, quotaBytes: 0 },
    ...{ sendAs: [], createdMs: 0, passwordHash: 'x' },
  });
  const app = await credentials.createAppPassword(world.ann, {
    ...{ name: 'phone', scopes: ['imap'], networks: [], hash: 'a'.repeat(64) },
    ...{ createdMs: 0, expiresMs: 0 },
  });
  const session = await credentials.createSession(world.ann, {
    ...{ device: 'x', address: '', createdMs: clock.nowMs(), refreshHash: 'b'.repeat(64) },
    ...{ expiresMs: clock.nowMs() + 1_000_000, secondFactorMs: 0 },
  });
  const hash = (await world.annNow()).passwordHash!;
  const enter = (admission: Admission, account: Account = world.ann) => {
    const one = new FakeSession(account, admission);
    live.enter(one);
    return one;
  };
  const all = {
    password: enter({ kind: 'password', hash }),
    app: enter({ kind: 'app-password', id: app.id, untilMs: 0 }),
    token: enter({ kind: 'session', id: session.id }),
    other: enter({ kind: 'other' }),
    bob: enter({ kind: 'password', hash: 'x' }, bob),
  };
  const over = async () => {
    await turns(5);
    return Object.entries(all).flatMap(([name, { isOver }]) => (isOver ? [name] : []));
  };
  assert.deepEqual(await over(), []);
  return { world, live, bob, app, session, all, over, looks: () => looks, enter };
}

test('an app password that is revoked ends the sessions it let in', async () => {
  const { world, app, over } = await open();
  await world.identity.credentials.deleteAppPassword(world.ann, app.id);
  assert.deepEqual(await over(), ['app']);
});

test('a token’s session that ends takes the sessions it let in along', async () => {
  const { world, session, over } = await open();
  await world.identity.credentials.deleteSession(world.ann, session.id);
  assert.deepEqual(await over(), ['token']);
});

test('a new main password ends what the old one let in, and sessions of tokens with it', async () => {
  const { world, over } = await open();
  await world.desk.set(world.ann, 'battery staple');
  assert.deepEqual(await over(), ['password', 'token']);
});

test('an account that is disabled or deleted has no session left', async () => {
  const { world, over } = await open();
  await world.identity.directory.putAccount({ ...(await world.annNow()), isEnabled: false });
  assert.deepEqual(await over(), ['password', 'app', 'token', 'other']);
  const second = await open();
  await second.world.identity.directory.deleteAccount(second.world.ann.id);
  assert.deepEqual(await second.over(), ['password', 'app', 'token', 'other']);
});

test('a second factor that is set up or demanded ends what the password alone let in', async () => {
  const { world, over } = await open();
  const { secondFactors } = world.identity;
  const row = { name: '', secret: 'c2VjcmV0IG9mIHRvdHA=', createdMs: 1 };
  const { id } = await secondFactors.addTotp(world.ann, row);
  assert.deepEqual(await over(), []);
  await secondFactors.useTotp(world.ann, id, 1);
  assert.deepEqual(await over(), ['password']);
  const second = await open();
  await second.world.setPolicy({ logIn: { needsSecondFactor: true } });
  assert.deepEqual(await second.over(), ['password', 'token', 'bob']);
});

test('a password that is hashed anew is the same password', async () => {
  const { world, over, enter } = await open();
  // Drepper's own example: "Hello world!" with the salt saltstring.
  const old =
    '{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1';
  await world.desk.setHash(world.ann, old);
  assert.deepEqual(await over(), ['password', 'token']);
  const facts = { address: '192.0.2.1', listener: 'imap' };
  const answer = await world.logIn.check(world.ann.address, 'Hello world!', facts);
  assert.ok(answer.ok);
  const late = enter(answer.admission);
  for (let i = 0; i < 100 && (await world.annNow()).passwordHash === old; i++) await turns(5);
  assert.match((await world.annNow()).passwordHash!, /^\$argon2id\$/);
  await turns(5);
  assert.equal(late.isOver, false);
  await world.desk.set(world.ann, annsPassword);
  await turns(5);
  assert.equal(late.isOver, true);
});

test('a change while its password was checked ends a session as it begins', async () => {
  const { world, enter, over } = await open();
  const hash = (await world.annNow()).passwordHash!;
  await world.desk.set(world.ann, 'battery staple');
  await over();
  const late = enter({ kind: 'password', hash });
  await turns(5);
  assert.equal(late.isOver, true);
});

test('a change of who has no session costs nothing; who left hears nothing', async () => {
  const { world, live, all, looks, bob } = await open();
  live.leave(all.bob);
  all.bob.account = undefined;
  const before = looks();
  const { directory } = world.identity;
  for (let i = 0; i < 50; i++) await directory.putAccount({ ...bob, quotaBytes: i });
  await directory.putAccount({ ...bob, isEnabled: false });
  await turns(5);
  assert.equal(looks(), before);
  assert.equal(all.bob.isOver, false);
  assert.equal(live.count, 1);
});

test('a directory that fails is asked again a second later', async () => {
  const clock = new SeededClock();
  let tell: (change: DirectoryChange) => void = () => {};
  let fails = true;
  const live = new LiveSessions({
    directory: {
      subscribe(listener) {
        tell = listener;
        return () => {};
      },
    },
    standing: async () => {
      if (fails) throw new Error('no database');
      return () => false;
    },
    clock,
    log: silentLog,
  });
  const world = await PasswordWorld.open();
  const session = new FakeSession(world.ann, { kind: 'other' });
  live.enter(session);
  tell({ kind: 'account', id: world.ann.id });
  await turns(5);
  assert.equal(session.isOver, false);
  fails = false;
  clock.advance(secondMs);
  await turns(5);
  assert.equal(session.isOver, true);
});

test('a session that an issuer’s token let in ends with the token, and no sooner', async () => {
  const { world, live, enter } = await open();
  const { clock } = world;
  const untilMs = clock.nowMs() + 300 * secondMs;
  const one = enter({ kind: 'issuer', isWithSecondFactor: true, untilMs });
  const longer = enter({ kind: 'issuer', isWithSecondFactor: true, untilMs: untilMs + secondMs });
  const left = enter({ kind: 'issuer', isWithSecondFactor: true, untilMs });
  live.leave(left);
  clock.advance(300 * secondMs - 1);
  await turns(5);
  assert.equal(one.isOver, false);
  clock.advance(1);
  await turns(5);
  assert.deepEqual([one.isOver, longer.isOver, left.isOver], [true, false, false]);
  live.close();
  assert.equal(clock.timerCount, 0, 'nothing is left of those that wait for their end');
});

test('a session that an app password let in ends when that is over', async () => {
  const { world, app, enter } = await open();
  const untilMs = world.clock.nowMs() + secondMs;
  const one = enter({ kind: 'app-password', id: app.id, untilMs });
  world.clock.advance(secondMs);
  await turns(5);
  assert.equal(one.isOver, true);
});

test('a token that is over already when its session enters lets nobody stay', async () => {
  const { world, enter } = await open();
  const untilMs = world.clock.nowMs() - 1;
  const one = enter({ kind: 'issuer', isWithSecondFactor: true, untilMs });
  await turns(5);
  assert.equal(one.isOver, true);
});
