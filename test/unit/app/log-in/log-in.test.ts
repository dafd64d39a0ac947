/**
 * Aim: the right password gets in, by the rules of its tenant; what a peer can learn is the same for all others.
 * Method: the real job handlers in this thread, on a directory in memory.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  PasswordJobs,
  passwordJobsWaitingMax,
  strangersWaitingMax,
} from '../../../../src/app/log-in/password-jobs.ts';
import { DirectoryScram } from '../../../../src/app/log-in/scram-check.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { hourMs, minuteMs } from '../../../../src/base/units.ts';
import { hashOfAppPassword, writeAppPassword } from '../../../../src/edge/guard/app-passwords.ts';
import type { AppPassword } from '../../../../src/ports/credentials.ts';
import { annsPassword, PasswordWorld } from '../../../support/password-world.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

const ann = 'ann@local.test';
const facts = { address: '192.0.2.1', listener: 'imap' };

test('the right password gets in; wrong ones, unknown users and disabled ones are told alike', async () => {
  const world = await PasswordWorld.open();
  assert.equal(await world.check(annsPassword), ann);
  assert.equal(await world.check('wrong'), 'credentials-invalid');
  assert.equal(await world.check('wrong', 'imap', 'nobody@local.test'), 'credentials-invalid');
  await world.identity.directory.putAccount({ ...(await world.annNow()), isEnabled: false });
  assert.equal(await world.check(annsPassword), 'credentials-invalid');
});

test('each attempt that is not remembered costs one hash, whoever is named', async () => {
  const world = await PasswordWorld.open();
  const jobsOf = async (password: string, user: string) => {
    world.jobs.names.length = 0;
    await world.check(password, 'imap', user);
    await setImmediate();
    return world.jobs.names;
  };
  assert.deepEqual(await jobsOf('wrong', ann), ['password.verify']);
  assert.deepEqual(await jobsOf('wrong', 'nobody@local.test'), ['password.verify']);
  assert.deepEqual(await jobsOf('wrong', 'no address'), ['password.verify']);
  assert.deepEqual(await jobsOf(annsPassword, ann), ['password.verify']);
  assert.deepEqual(await jobsOf(annsPassword, ann), []);
});

test('the same password from ten connections at once is checked once', async () => {
  const world = await PasswordWorld.open();
  world.jobs.names.length = 0;
  const answers = await Promise.all(Array.from({ length: 10 }, () => world.check(annsPassword)));
  assert.deepEqual(new Set(answers), new Set([ann]));
  assert.deepEqual(world.jobs.names, ['password.verify']);
});

test('a full queue of passwords answers at once, and other jobs wait for one hash at most', async () => {
  const given: (() => void)[] = [];
  const jobs = new PasswordJobs({
    run: () =>
      new Promise((resolve) => {
        given.push(() => resolve({ ok: true, value: given.length }));
      }),
  });
  const job = { name: 'password.verify', meta: {} };
  // One is with the threads, the others wait.
  const answers = Array.from({ length: passwordJobsWaitingMax + 1 }, () => jobs.run(job));
  assert.equal(given.length, 1);
  assert.equal(jobs.waitingCount, passwordJobsWaitingMax);
  const full = await jobs.run(job);
  assert.equal(full.ok ? '' : full.code, 'store-busy');
  for (let i = 0; i < answers.length; i++) {
    given[i]!();
    assert.deepEqual(await answers[i], { ok: true, value: Math.min(i + 1, answers.length) });
    await setImmediate();
    assert.equal(given.length, Math.min(i + 2, answers.length));
  }
  assert.equal(jobs.waitingCount, 0);
});

/** A queue whose jobs end when the test says so. */
function heldJobs() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const jobs = new PasswordJobs({
    run: ({ meta }) => {
      started.push(meta as number);
      return new Promise((resolve) => ends.push(() => resolve({ ok: true, value: 0 })));
    },
  });
  const busy: number[] = [];
  const ask = (number: number, peer: string, isKnown = false) =>
    void jobs.run({ name: '', meta: number }, { peer, isKnown }).then(({ ok }) => {
      if (!ok) busy.push(number);
    });
  const end = async () => {
    ends.shift()!();
    await setImmediate();
  };
  return { jobs, started, busy, ask, end };
}

test('one peer that fills the queue of passwords gives its places up to others, and waits behind itself', async () => {
  const { jobs, started, busy, ask, end } = heldJobs();
  for (let i = 0; i <= strangersWaitingMax; i++) ask(i, '2001:db8::/64');
  ask(1_000, '192.0.2.1');
  ask(1_001, '192.0.2.1');
  ask(1_002, '192.0.2.2');
  ask(101, '2001:db8::/64');
  await setImmediate();
  assert.deepEqual(busy, [60, 59, 58, 101], 'what came last of who has the most');
  assert.equal(jobs.waitingCount, strangersWaitingMax);
  for (let i = 0; i < 5; i++) await end();
  assert.deepEqual(started, [0, 1, 1_000, 1_002, 2, 1_001]);
});

test('a thousand strangers with one check each take no place from who is known', async () => {
  const { jobs, started, busy, ask, end } = heldJobs();
  for (let i = 0; i <= 1_000; i++) ask(i, `stranger ${i}`);
  await setImmediate();
  assert.equal(jobs.waitingCount, strangersWaitingMax);
  assert.equal(busy.length, 1_000 - strangersWaitingMax);
  const kept = passwordJobsWaitingMax - strangersWaitingMax;
  for (let i = 0; i < kept; i++) ask(2_000 + i, `known ${i}`, true);
  assert.equal(jobs.waitingCount, passwordJobsWaitingMax);
  busy.length = 0;
  ask(3_000, 'known late', true);
  ask(3_001, 'stranger late');
  void jobs.run({ name: '', meta: 4_000 });
  await setImmediate();
  assert.equal(busy.length, 3);
  assert.ok(busy.includes(3_001) && busy.every((number) => number < 1_001 || number === 3_001));
  while (jobs.waitingCount > 0) await end();
  for (let i = 0; i < kept; i++) assert.ok(started.includes(2_000 + i));
  assert.ok(started.includes(3_000) && started.includes(4_000));
});

test('among those that are known it is who has the most, and strangers take no place of theirs', async () => {
  const { jobs, busy, ask } = heldJobs();
  for (let i = 0; i <= passwordJobsWaitingMax; i++) ask(i, '192.0.2.1', true);
  ask(1_000, '192.0.2.2', true);
  ask(1_001, '192.0.2.3');
  ask(1_002, '192.0.2.1', true);
  await setImmediate();
  assert.deepEqual(busy, [100, 1_001, 1_002]);
  assert.equal(jobs.waitingCount, passwordJobsWaitingMax);
});

test('who got into an account before has a place for it, and no other', async () => {
  const world = await PasswordWorld.open();
  const home = { address: '203.0.113.7', listener: 'imap' };
  assert.equal((await world.logIn.check(ann, annsPassword, home)).ok, true);
  world.clock.advance(hourMs);
  world.jobs.isHeld = true;
  const told: string[] = [];
  const check = (user: string, password: string, address: string) =>
    void world.logIn.check(user, password, { address, listener: 'imap' }).then((answer) => {
      told.push(answer.ok ? 'in' : answer.code);
    });
  for (let i = 0; i < 200; i++) check('nobody@local.test', `guess ${i}`, `198.51.100.${i}`);
  await setImmediate();
  assert.equal(world.passwordJobs.waitingCount, strangersWaitingMax);
  told.length = 0;
  check('nobody@local.test', 'guess', home.address);
  await setImmediate();
  assert.deepEqual(told, ['store-busy'], 'a stranger to that one');
  check(ann, annsPassword, home.address);
  await setImmediate();
  assert.deepEqual(told, ['store-busy']);
  assert.equal(world.passwordJobs.waitingCount, strangersWaitingMax + 1);
  world.jobs.release();
  for (let i = 0; i < 5_000 && !told.includes('in'); i++) await setImmediate();
  assert.ok(told.includes('in'));
});

test('the checks of a /64 are one peer’s', async () => {
  const world = await PasswordWorld.open();
  world.jobs.isHeld = true;
  const check = (address: string, password: string) =>
    world.logIn.check(ann, password, { address, listener: 'imap' });
  for (let i = 0; i <= strangersWaitingMax; i++) void check(`2001:db8::${i + 1}`, `guess ${i}`);
  await setImmediate();
  assert.equal(world.passwordJobs.waitingCount, strangersWaitingMax);
  const full = await check('2001:db8::ffff', 'one more');
  assert.equal(full.ok ? '' : full.code, 'store-busy');
  let isAnswered = false;
  void check('2001:db8:1::1', annsPassword).then(() => {
    isAnswered = true;
  });
  await setImmediate();
  assert.equal(isAnswered, false, 'another one has a place');
});

test('a new password is asked for at once, though the old one was remembered', async () => {
  const world = await PasswordWorld.open();
  assert.equal(await world.check(annsPassword), ann);
  await world.desk.set(world.ann, 'battery staple');
  assert.equal(await world.check(annsPassword), 'credentials-invalid');
  assert.equal(await world.check('battery staple'), ann);
});

test('where a second factor is demanded a main password opens nothing, remembered or not', async () => {
  const world = await PasswordWorld.open();
  assert.equal(await world.check(annsPassword), ann);
  await world.setPolicy({ logIn: { needsSecondFactor: true } });
  assert.equal(await world.check(annsPassword), 'app-password-required');
  assert.equal(await world.check('wrong'), 'credentials-invalid');
  assert.equal(await world.check(annsPassword, 'token'), ann, 'it is asked for there');
  const { text } = await appPassword(world);
  assert.equal(await world.check(text), ann);
  assert.equal(await world.check(text, 'token'), 'credentials-invalid');
});

test('an account with a second factor is not opened by its main password alone, unless its tenant says so', async () => {
  const world = await PasswordWorld.open();
  const { secondFactors } = world.identity;
  const row = { name: 'phone', secret: 'c2VjcmV0IG9mIHRvdHA=', createdMs: 1 };
  const { id } = await secondFactors.addTotp(world.ann, row);
  assert.equal(await world.check(annsPassword), ann, 'one that is not confirmed is none');
  await secondFactors.useTotp(world.ann, id, 1);
  for (const listener of ['imap', 'imaps', 'pop3', 'submission']) {
    assert.equal(await world.check(annsPassword, listener), 'app-password-required', listener);
  }
  assert.equal(await world.check('wrong'), 'credentials-invalid');
  assert.equal(await world.check(annsPassword, 'token'), ann, 'it is asked for there');
  const { text } = await appPassword(world);
  assert.equal(await world.check(text), ann);
  await world.setPolicy({ logIn: { allowsPasswordAlone: true } });
  assert.equal(await world.check(annsPassword), ann);
  await world.setPolicy({ logIn: { allowsPasswordAlone: true, needsSecondFactor: true } });
  assert.equal(await world.check(annsPassword), 'app-password-required');
});

test('a password that is too old opens nothing', async () => {
  const world = await PasswordWorld.open();
  await world.setPolicy({ password: { ageMsMax: hourMs } });
  assert.equal(await world.check(annsPassword), ann);
  world.clock.advance(hourMs + minuteMs);
  assert.equal(await world.check(annsPassword), 'password-expired');
  assert.equal(await world.check('wrong'), 'credentials-invalid');
});

async function appPassword(world: PasswordWorld, more: Partial<AppPassword> = {}) {
  const secret = new SeededRandom(3).bytes(15);
  const row = await world.identity.credentials.createAppPassword(world.ann, {
    name: 'phone',
    scopes: ['imap', 'smtp'],
    networks: [],
    hash: hashOfAppPassword(secret),
    createdMs: 0,
    expiresMs: 0,
    ...more,
  });
  return { row, text: writeAppPassword(row.id, secret) };
}

test('an app password opens what it is for, and its use is noted', async () => {
  const world = await PasswordWorld.open();
  const { row, text } = await appPassword(world);
  world.jobs.names.length = 0;
  for (const listener of ['imap', 'imaps', 'submission']) {
    assert.equal(await world.check(text, listener), ann, listener);
  }
  assert.deepEqual(world.jobs.names, [], 'it costs no hash');
  assert.equal(await world.check(text, 'pop3'), 'credentials-invalid');
  assert.equal(await world.check(text, 'imap', 'nobody@local.test'), 'credentials-invalid');
  // As people type it.
  assert.equal(
    await world.check(
      text
        .toUpperCase()
        .replaceAll('-', '')
        .replace(/^APP(\d+)/, 'APP$1-'),
    ),
    ann,
  );
  const [kept] = await world.identity.credentials.appPasswords(world.ann);
  assert.deepEqual(kept?.lastUse, { atMs: world.clock.nowMs(), address: '192.0.2.1' });
  await world.identity.credentials.deleteAppPassword(world.ann, row.id);
  assert.equal(await world.check(text), 'credentials-invalid');
});

test('an app password is good until its end, and from its networks', async () => {
  const world = await PasswordWorld.open();
  const nowMs = world.clock.nowMs();
  const short = await appPassword(world, { expiresMs: nowMs + minuteMs });
  assert.equal(await world.check(short.text), ann);
  world.clock.advance(minuteMs);
  assert.equal(await world.check(short.text), 'credentials-invalid');
  const near = await appPassword(world, { networks: ['192.0.2.0/24'] });
  assert.equal(await world.check(near.text), ann);
  const far = await appPassword(world, { networks: ['198.51.100.0/24'] });
  assert.equal(await world.check(far.text), 'credentials-invalid');
});

test('the hash of an old system is replaced at the first log-in that is right', async () => {
  const world = await PasswordWorld.open();
  // Drepper's own example: "Hello world!" with the salt saltstring.
  const old =
    '{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1';
  await world.desk.setHash(world.ann, old);
  assert.equal(await world.check('wrong'), 'credentials-invalid');
  assert.equal((await world.annNow()).passwordHash, old);
  assert.equal(await world.check('Hello world!'), ann);
  for (let i = 0; i < 100 && (await world.annNow()).passwordHash === old; i++) await setImmediate();
  assert.match((await world.annNow()).passwordHash!, /^\$argon2id\$/);
  assert.equal(await world.check('Hello world!'), ann);
});

test('SCRAM is offered where a tenant allows it, and its verifiers come with the next log-in', async () => {
  const world = await PasswordWorld.open();
  const { identity, clock } = world;
  const random = new SeededRandom(9);
  const key = Buffer.alloc(32, 5);
  const scram = await DirectoryScram.open({ identity, key, clock, random, log: silentLog });
  assert.equal(scram.isOffered, false);
  await world.setPolicy({ logIn: { allowsScram: true } });
  for (let i = 0; i < 10 && !scram.isOffered; i++) await setImmediate();
  assert.equal(scram.isOffered, true);
  const fake = await scram.verifierOf(ann, 'sha256');
  for (const spelling of ['ANN@local.test', '"ann"@LOCAL.test.', '"a\\nn"@local.test']) {
    assert.deepEqual(await scram.verifierOf(spelling, 'sha256'), fake, spelling);
  }
  const nobodys = await scram.verifierOf('nobody@bücher.test', 'sha256');
  const inLabels = await scram.verifierOf('Nobody@xn--bcher-kva.test', 'sha256');
  assert.deepEqual(inLabels, nobodys, 'as a known user’s');
  assert.equal((await scram.admit(ann, 'sha256', fake, facts)).ok, false);
  assert.equal(await world.check(annsPassword), ann);
  const rows = async () => (await identity.credentials.password(world.ann)).verifiers;
  for (let i = 0; i < 200 && (await rows()).length === 0; i++) await setImmediate();
  const real = await scram.verifierOf(ann, 'sha256');
  assert.notDeepEqual(real, fake);
  assert.equal(real.salt.length, fake.salt.length);
  assert.equal(real.iterations, fake.iterations);
  assert.equal((await scram.admit(ann, 'sha256', real, facts)).ok, true);
  // A password set between the two messages of an exchange.
  await world.desk.set(world.ann, 'battery staple');
  assert.equal((await scram.admit(ann, 'sha256', real, facts)).ok, false);
  await world.setPolicy({ logIn: { allowsScram: true, needsSecondFactor: true } });
  const next = await scram.verifierOf(ann, 'sha256');
  const refused = await scram.admit(ann, 'sha256', next, facts);
  assert.equal(refused.ok ? '' : refused.code, 'app-password-required');
  assert.notEqual(scram.nonce(), scram.nonce());
  assert.match(scram.nonce(), /^[\w-]{24}$/);
});
