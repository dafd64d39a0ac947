/**
 * Aim: whose password a source checks gets in by the source's word alone, and by the cache while it is away; all other
 *      ways in, and what the tenant asks, stay as they are.
 * Method: a directory in memory, a source filled by hand, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MemoryLogInSource } from '../../../../src/adapters/memory/memory-log-in-source.ts';
import { PasswordLogIn } from '../../../../src/app/log-in/log-in.ts';
import { PasswordDesk } from '../../../../src/app/log-in/password-desk.ts';
import { passwordJobsWaitingMax } from '../../../../src/app/log-in/password-jobs.ts';
import { DirectoryScram } from '../../../../src/app/log-in/scram-check.ts';
import { SourceLogIn } from '../../../../src/app/log-in/source-log-in.ts';
import { sourceNames } from '../../../../src/app/log-in/source-names.ts';
import { standingIn } from '../../../../src/app/log-in/standing.ts';
import { defaultTenant } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { CredentialCache, keptMsDefault } from '../../../../src/edge/guard/credential-cache.ts';
import type { LogInAnswer } from '../../../../src/edge/guard/log-in.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { annsPassword, PasswordWorld } from '../../../support/password-world.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

const ann = 'ann@local.test';
const elsewhere = 'the word elsewhere';
const nameOf = sourceNames([{ name: 'office', domains: ['local.test'] }]);

let world: PasswordWorld;
let source: MemoryLogInSource;
let sources: SourceLogIn;
let logIn: PasswordLogIn;
let made: string[];

beforeEach(async () => {
  world = await PasswordWorld.open();
  source = new MemoryLogInSource('office');
  know(ann, elsewhere);
  made = [];
  open(false);
});

function know(address: string, password: string, more: { isExpired?: boolean } = {}): void {
  const nothing = { displayName: '', aliases: [], groups: [], isEnabled: true };
  source.known.push({ id: `uid=${address}`, address, password, ...nothing, ...more });
}

function open(createsAccounts: boolean, whileMade?: () => Promise<void>): void {
  const { identity, clock } = world;
  const { directory, credentials, secondFactors } = identity;
  const cache = new CredentialCache(clock, new SeededRandom(2));
  sources = new SourceLogIn({
    ...{ directory, credentials, secondFactors, nameOf, cache, askedMax: 2, log: silentLog },
    sources: [{ source, createsAccounts }],
    async create({ address }): Promise<Account> {
      made.push(address);
      const account = await directory.createAccount({
        ...{ tenant: defaultTenant, address, isEnabled: whileMade === undefined, quotaBytes: 0 },
        ...{ sendAs: [], createdMs: 0 },
      });
      if (whileMade === undefined) return account;
      await whileMade();
      return await directory.changeAccount(account.id, (row) => ({ ...row, isEnabled: true }));
    },
  });
  const { passwordJobs: jobs, upgrades } = world;
  logIn = new PasswordLogIn({
    ...{ directory, credentials, secondFactors, jobs, upgrades, cache, clock, log: silentLog },
    sources,
  });
}

function check(password: string, user = ann, listener = 'imap', address = '192.0.2.1') {
  return logIn.check(user, password, { address, listener });
}

async function said(answer: LogInAnswer | Promise<LogInAnswer>): Promise<string> {
  const one = await answer;
  return one.ok ? one.account.address : one.code;
}

test('the source decides, and a hash that is kept here opens nothing', async () => {
  assert.equal(await said(check(elsewhere)), ann);
  assert.equal(await said(check(elsewhere, 'ANN@Local.Test')), ann);
  assert.equal(await said(check(annsPassword)), 'credentials-invalid');
  assert.equal(await said(check('')), 'credentials-invalid');
  assert.ok(!world.jobs.names.includes('password.verify'));
});

test('an address of another domain is not asked of it', async () => {
  const { directory } = world.identity;
  await directory.putDomain({ name: 'other.test', tenant: defaultTenant, createdMs: 0 });
  know('bob@other.test', elsewhere);
  assert.equal(await said(check(elsewhere, 'bob@other.test')), 'credentials-invalid');
  assert.equal(await said(check(elsewhere, 'ann@local.test.other.test')), 'credentials-invalid');
  assert.deepEqual(source.asked, []);
});

test('what is right is remembered for a while, one password of an account', async () => {
  await check(elsewhere);
  await check(elsewhere);
  assert.deepEqual(source.asked, [`check ${ann}`]);
  source.known[0] = { ...source.known[0]!, password: 'a new word' };
  assert.equal(await said(check('a new word')), ann);
  assert.equal(await said(check(elsewhere)), 'credentials-invalid', 'the one before');
  world.clock.advance(keptMsDefault);
  const before = source.asked.length;
  await check('a new word');
  assert.equal(source.asked.length, before + 1);
});

test('a change of the account is reason to ask again', async () => {
  await check(elsewhere);
  await world.identity.directory.changeAccount(world.ann.id, (row) => ({ ...row, quotaBytes: 1 }));
  await check(elsewhere);
  assert.equal(source.asked.length, 2);
});

test('while it is away who was in lately gets in, and nobody else hears that they are wrong', async () => {
  await check(elsewhere);
  source.isAway = true;
  assert.equal(await said(check(elsewhere)), ann);
  assert.equal(await said(check('wrong')), 'deadline-passed');
  assert.equal(await said(check('wrong', 'nobody@local.test')), 'deadline-passed');
  world.clock.advance(keptMsDefault);
  assert.equal(await said(check(elsewhere)), 'deadline-passed');
  source.isAway = false;
  assert.equal(await said(check(elsewhere)), ann);
});

test('an account that is disabled, or not here, is closed whatever the source says', async () => {
  know('bob@local.test', elsewhere);
  assert.equal(await said(check(elsewhere, 'bob@local.test')), 'credentials-invalid');
  assert.deepEqual(source.asked, ['check bob@local.test'], 'asked all the same');
  await check(elsewhere);
  await world.identity.directory.changeAccount(world.ann.id, (row) => ({
    ...{ ...row, isEnabled: false },
  }));
  assert.equal(await said(check(elsewhere)), 'credentials-invalid');
});

test('an account is made at its first log-in where that is asked for, once, and for nobody who is wrong', async () => {
  open(true);
  know('bob@local.test', elsewhere);
  assert.equal(await said(check('wrong', 'bob@local.test')), 'credentials-invalid');
  assert.deepEqual(made, []);
  const both = [check(elsewhere, 'bob@local.test'), check(elsewhere, 'Bob@LOCAL.test')];
  assert.deepEqual(await Promise.all(both.map(said)), ['bob@local.test', 'bob@local.test']);
  assert.equal((await world.identity.directory.accounts('local.test')).length, 2);
  assert.equal(await said(check(elsewhere, 'bob@local.test')), 'bob@local.test');
});

test('a password that is right and too old is told as expired, to who has it', async () => {
  know('old@local.test', elsewhere, { isExpired: true });
  assert.equal(await said(check(elsewhere, 'old@local.test')), 'credentials-invalid', 'not here');
  open(true);
  assert.equal(await said(check(elsewhere, 'old@local.test')), 'password-expired');
  assert.equal(await said(check('wrong', 'old@local.test')), 'credentials-invalid');
  assert.deepEqual(made, []);
});

test('what the tenant asks besides a password it asks here, too', async () => {
  await world.setPolicy({ logIn: { needsSecondFactor: true }, password: { ageMsMax: 1 } });
  world.clock.advance(10);
  assert.equal(await said(check(elsewhere)), 'app-password-required');
  assert.equal(await said(check(elsewhere, ann, 'token')), ann, 'it asks for one itself');
  await world.setPolicy({ password: { ageMsMax: 1 } });
  assert.equal(await said(check(elsewhere)), ann, 'how old it may be is not decided here');
});

test('no password is set here, and SCRAM has none', async () => {
  const { identity, clock, passwordJobs: jobs } = world;
  const { credentials } = identity;
  await world.setPolicy({ logIn: { allowsScram: true } });
  await world.desk.set(world.ann, annsPassword);
  const parts = { identity, key: new Uint8Array(32), clock, random: new SeededRandom(3) };
  const scram = await DirectoryScram.open({ ...parts, log: silentLog });
  const here = await scram.verifierOf(ann, 'sha256');
  const kept = await DirectoryScram.open({ ...parts, log: silentLog, sourceOf: nameOf });
  assert.notDeepEqual(await kept.verifierOf(ann, 'sha256'), here);
  const desk = new PasswordDesk({
    credentials,
    jobs,
    clock,
    breached: undefined,
    sourceOf: nameOf,
  });
  const refused = { code: 'argument-invalid', message: /checked by office/ };
  await assert.rejects(desk.set(world.ann, 'correct horse battery'), refused);
  await assert.rejects(desk.check(world.ann, 'correct horse battery'), refused);
  await assert.rejects(desk.setHash(world.ann, '$6$saltstring$x'), refused);
  assert.ok(!desk.isKept('ANN@local.test') && desk.isKept('ann@other.test'));
});

test('sessions of a password stand as long as who checked it does', async () => {
  const { identity, upgrades, clock } = world;
  const answer = await check(elsewhere);
  assert.ok(answer.ok && answer.admission.kind === 'source');
  const isGood = await standingIn({ identity, upgrades, clock, sourceOf: nameOf })(world.ann);
  assert.ok(isGood(answer.admission));
  assert.ok(!isGood({ kind: 'source', source: 'other' }));
  const { passwordHash: hash = '' } = await world.annNow();
  assert.ok(!isGood({ kind: 'password', hash }), 'of before it was');
  await world.setPolicy({ logIn: { needsSecondFactor: true } });
  const later = await standingIn({ identity, upgrades, clock, sourceOf: nameOf })(world.ann);
  assert.ok(!later(answer.admission));
});

test('a source is asked so many at once; of one peer no more wait than there is room', async () => {
  const held = Promise.withResolvers<void>();
  let [now, most] = [0, 0];
  source.check = async () => {
    most = Math.max(most, ++now);
    await held.promise;
    now--;
    return { kind: 'wrong', why: 'password' };
  };
  const all = Array.from({ length: passwordJobsWaitingMax + 10 }, (_, at) => check(`guess ${at}`));
  await Promise.race(all);
  const other = check('right', ann, 'imap', '198.51.100.1');
  held.resolve();
  const codes = (await Promise.all(all.map(said))).filter((code) => code === 'store-busy');
  assert.equal(most, 2);
  assert.ok(codes.length >= 8, `${codes.length} had no room`);
  assert.equal(await said(other), 'credentials-invalid', 'another peer had its turn');
});

test('checks of the same name and password that come together are one', async () => {
  await Promise.all([check('wrong'), check('wrong'), check('wrong')]);
  assert.deepEqual(source.asked, [`check ${ann}`]);
});

test('who logs in while the account is made waits until it is open', async () => {
  know('new@local.test', elsewhere);
  const late: Promise<string>[] = [];
  open(true, async () => {
    late.push(said(check(elsewhere, 'new@local.test', 'imap', '192.0.2.9')));
    await setImmediate();
  });
  const five = Array.from({ length: 5 }, () => said(check(elsewhere, 'new@local.test')));
  assert.deepEqual(await Promise.all(five), Array(5).fill('new@local.test'));
  assert.deepEqual(await Promise.all(late), ['new@local.test']);
  assert.deepEqual(made, ['new@local.test']);
});

test('an account that is closed while the source is asked opens no more', async () => {
  const { directory } = world.identity;
  const { id } = (await directory.accountByAddress(ann))!;
  const answered = Promise.withResolvers<void>();
  const asked = source.check.bind(source);
  source.check = async (...all) => {
    const checked = await asked(...all);
    await answered.promise;
    return checked;
  };
  const going = said(check(elsewhere));
  await setImmediate();
  await directory.changeAccount(id, (row) => ({ ...row, isEnabled: false }));
  answered.resolve();
  assert.equal(await going, 'credentials-invalid');
});
