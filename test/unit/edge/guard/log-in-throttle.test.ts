/**
 * Aim: guesses are as few as limits say, however they come: one after the other, together, or under many spellings.
 * Method: a clock turned by hand; attempts that stay under way until the test ends them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { spelled } from '../../../../src/adapters/table/addresses.ts';
import { failure } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { networkSet } from '../../../../src/base/networks.ts';
import { attempt, type LogInAnswer } from '../../../../src/edge/guard/log-in.ts';
import {
  type Attempt,
  defaultLogInLimits,
  LogInThrottle,
} from '../../../../src/edge/guard/log-in-throttle.ts';
import { Tarpit } from '../../../../src/edge/guard/tarpit.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

/** One that was told at `nowMs`; where it must wait it is none. */
async function begun(throttle: LogInThrottle, peer: string, account: string, nowMs: number) {
  const answer = await throttle.begin(peer, account, { monotonicMs: () => nowMs });
  return typeof answer === 'string' ? undefined : answer;
}

async function failed(throttle: LogInThrottle, peer: string, account: string, nowMs: number) {
  (await begun(throttle, peer, account, nowMs))?.failed();
}

async function succeeded(throttle: LogInThrottle, peer: string, account: string, nowMs: number) {
  (await begun(throttle, peer, account, nowMs))?.succeeded(account);
}

test('failed log-ins wait longer each time, for that address and account only', async () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 4; i++) await failed(throttle, 'a', 'u', 0);
  assert.equal(throttle.waitMs('a', 'u', 0), 0);
  await failed(throttle, 'a', 'u', 0);
  assert.equal(throttle.waitMs('a', 'U', 0), 10_000);
  await failed(throttle, 'a', 'u', 10_000);
  assert.equal(throttle.waitMs('a', 'u', 15_000), 15_000);
  assert.equal(throttle.waitMs('a', 'u', 30_000), 0);
  assert.equal(throttle.waitMs('b', 'u', 15_000), 0);
  assert.equal(throttle.waitMs('a', 'other', 15_000), 0);
});

test('of IPv6 a whole /64 waits, of IPv4 an address', async () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 5; i++) await failed(throttle, `2001:db8:0:1::${i}`, 'u', 0);
  assert.equal(throttle.waitMs('2001:db8:0:1:ffff::9', 'u', 0), 10_000);
  assert.equal(throttle.waitMs('2001:db8:0:2::1', 'u', 0), 0);
  await succeeded(throttle, '2001:db8:0:1:eeee::1', 'u', 10_000);
  assert.equal(throttle.waitMs('2001:db8:0:1::1', 'u', 10_000), 0);
  for (let i = 0; i < 5; i++) await failed(throttle, `192.0.2.${i}`, 'u', 0);
  assert.equal(throttle.waitMs('192.0.2.1', 'u', 0), 0);
});

test('a good log-in clears its account, not the address', async () => {
  const throttle = new LogInThrottle({ ...defaultLogInLimits, failuresPerAddressFree: 3 });
  await failed(throttle, 'a', 'u', 0);
  await failed(throttle, 'a', 'v', 0);
  await succeeded(throttle, 'a', 'u', 0);
  await failed(throttle, 'a', 'w', 0);
  assert.ok(throttle.waitMs('a', 'x', 0) > 0);
});

test('guesses from many addresses slow an account for strangers, not for peers that know it', async () => {
  const throttle = new LogInThrottle();
  await succeeded(throttle, '192.0.2.1', 'u', 0);
  for (let i = 0; i < 50; i++) await failed(throttle, `198.51.100.${i}`, 'u', 0);
  assert.equal(throttle.waitMs('203.0.113.1', 'u', 0), 10_000);
  assert.equal(throttle.waitMs('203.0.113.1', 'u', 10_000), 0);
  assert.equal(throttle.waitMs('192.0.2.1', 'u', 0), 0);
  assert.equal(throttle.waitMs('203.0.113.1', 'other', 0), 0);
  for (let i = 0; i < 99; i++) await failed(throttle, `198.51.100.${i}`, 'u', 10_000);
  assert.equal(throttle.waitMs('203.0.113.1', 'u', 10_000), 10_000, 'it never doubles');
});

test('failures without a name slow nobody but their address', async () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 99; i++) await failed(throttle, `198.51.100.${i}`, '', 0);
  assert.equal(throttle.waitMs('203.0.113.1', '', 0), 0);
});

test('failures without a name count by their address alone', async () => {
  const throttle = new LogInThrottle();
  for (let i = 0; i < 19; i++) await failed(throttle, '192.0.2.1', '', 0);
  assert.equal(throttle.waitMs('192.0.2.1', '', 0), 0, 'as many as of any names');
  await failed(throttle, '192.0.2.1', '', 0);
  assert.equal(throttle.waitMs('192.0.2.1', '', 0), 10_000);
});

test('the throttle forgets after a while and never grows past its bound', async () => {
  const throttle = new LogInThrottle({
    ...defaultLogInLimits,
    failuresFree: 2,
    forgetMs: 100,
    entriesMax: 10,
  });
  await failed(throttle, 'a', 'u', 0);
  await failed(throttle, 'a', 'u', 200);
  assert.equal(throttle.waitMs('a', 'u', 200), 0);
  for (let i = 0; i < 100; i++) await failed(throttle, `peer ${i}`, `u${i}`, 300);
  assert.equal(throttle.waitMs('a', 'u', 300), 0);
});

/** Attempts whose checks end when the test says so. */
function heldWorld(limits = defaultLogInLimits) {
  const throttle = new LogInThrottle(limits, spelled);
  const clock = new SeededClock();
  const checks: ((answer: LogInAnswer) => void)[] = [];
  const told: string[] = [];
  const authenticate = async () => failure('credentials-invalid');
  const guess = (address: string, user: string) => {
    const logIn = { authenticate, throttle };
    const session = { logIn, address, listener: 'imap', tls: undefined, clock, log: silentLog };
    const check = () => new Promise<LogInAnswer>((resolve) => checks.push(resolve));
    void attempt(session, user, check).then(
      (answer) => void told.push(answer.ok ? 'in' : answer.code),
    );
  };
  const end = async (answer: LogInAnswer) => {
    checks.shift()!(answer);
    await setImmediate();
  };
  return { throttle, clock, checks, told, guess, end };
}

const wrong = failure('credentials-invalid');
const right: LogInAnswer = {
  ...{ ok: true, account: { address: 'ann@local.test' } as Account },
  admission: { kind: 'other' },
};

test('guesses of one peer that come together are as many as are free, and the rest waits', async () => {
  const { checks, told, guess, end, throttle } = heldWorld();
  for (let i = 0; i < 100; i++) guess('192.0.2.1', 'ann@local.test');
  await setImmediate();
  assert.equal(checks.length, 5);
  assert.equal(throttle.waitingCount, 95);
  for (let i = 0; i < 5; i++) await end(wrong);
  assert.equal(checks.length, 0, 'none of the others was looked at');
  assert.equal(told.filter((code) => code === 'credentials-invalid').length, 5);
  assert.equal(told.filter((code) => code === 'rate-exceeded').length, 95);
  assert.equal(throttle.waitingCount, 0);
});

test('guesses at one account from a thousand addresses at once are fifty', async () => {
  const { checks, told, guess, end } = heldWorld();
  for (let i = 0; i < 1_000; i++) guess(`198.51.${i >> 8}.${i & 255}`, 'ann@local.test');
  await setImmediate();
  assert.equal(checks.length, 50);
  while (checks.length > 0) await end(wrong);
  assert.equal(told.filter((code) => code === 'credentials-invalid').length, 50);
  assert.equal(told.filter((code) => code === 'rate-exceeded').length, 950);
});

for (const [known, spellings] of [
  ['ann@bücher.test', ['ANN@Bücher.test', 'ann@xn--bcher-kva.test.', '"a\\nn"@BÜCHER.test']],
  ['nobody@local.test', ['Nobody@LOCAL.test', '"nobody"@local.test', 'nobody@local.test.']],
] as const) {
  test(`all spellings of ${known} are one name, together and one after the other`, async () => {
    const { checks, guess, throttle, end } = heldWorld();
    for (let i = 0; i < 20; i++) guess('192.0.2.1', [known, ...spellings][i % 4]!);
    await setImmediate();
    assert.equal(checks.length, 5);
    while (checks.length > 0) await end(wrong);
    for (const each of spellings) assert.equal(throttle.waitMs('192.0.2.1', each, 0), 10_000, each);
  });
}

test('a peer whose programs all open with the right password at once is let in, however many', async () => {
  const { checks, told, guess, end } = heldWorld();
  for (let i = 0; i < 100; i++) guess('192.0.2.1', 'ann@local.test');
  await setImmediate();
  while (checks.length > 0) await end(right);
  assert.deepEqual(new Set(told), new Set(['in']));
  assert.equal(told.length, 100);
});

test('one of many that is right stands behind none that is wrong for longer than their checks take', async () => {
  const { checks, told, guess, end } = heldWorld();
  for (let i = 0; i < 4; i++) guess('192.0.2.1', 'ann@local.test');
  for (let i = 0; i < 4; i++) await setImmediate();
  for (let i = 0; i < 4; i++) await end(wrong);
  guess('192.0.2.1', 'ann@local.test');
  guess('192.0.2.1', 'ann@local.test');
  await setImmediate();
  assert.equal(checks.length, 1, 'one more failure and it waits');
  await end(right);
  await end(right);
  assert.deepEqual(told.slice(4), ['in', 'in']);
});

test('what is no guess gives its place back and counts for nothing', async () => {
  const { checks, told, guess, end, throttle } = heldWorld();
  for (let i = 0; i < 40; i++) {
    guess('192.0.2.1', 'ann@local.test');
    await setImmediate();
    await end(i % 2 === 0 ? failure('store-busy') : { ...wrong, isOver: true });
  }
  assert.equal(checks.length, 0);
  assert.equal(told.length, 40);
  assert.equal(throttle.waitMs('192.0.2.1', 'ann@local.test', 0), 0);
});

test('a check that throws gives its place back', async () => {
  const throttle = new LogInThrottle({ ...defaultLogInLimits, failuresFree: 1 });
  const logIn = { authenticate: async () => wrong, throttle };
  const session = {
    ...{ logIn, address: '192.0.2.1', listener: 'imap', tls: undefined },
    ...{ clock: new SeededClock(), log: silentLog },
  };
  const broken = () => Promise.reject(new Error('the disk is gone'));
  for (let i = 0; i < 3; i++) await assert.rejects(attempt(session, 'ann', broken), /disk/);
});

test('attempts that wait for others are bounded', async () => {
  const { told, guess, throttle } = heldWorld({ ...defaultLogInLimits, waitingMax: 3 });
  for (let i = 0; i < 9; i++) guess('192.0.2.1', 'ann@local.test');
  await setImmediate();
  assert.equal(throttle.waitingCount, 3);
  assert.deepEqual(told, ['store-busy']);
  guess('192.0.2.2', 'ann@local.test');
  await setImmediate();
  assert.deepEqual(told, ['store-busy'], 'who need not wait goes on');
});

test('one peer takes a share of the places alone, and gives them back', async () => {
  const limits = { ...defaultLogInLimits, waitingMax: 6, waitingMaxOfPeer: 4 };
  const { told, checks, guess, end, throttle } = heldWorld(limits);
  for (let i = 0; i < 12; i++) guess('192.0.2.1', 'ann@local.test');
  await setImmediate();
  assert.equal(throttle.waitingCount, 4);
  assert.deepEqual(told, ['store-busy', 'store-busy', 'store-busy']);
  for (let i = 0; i < 7; i++) guess('192.0.2.2', 'bob@local.test');
  await setImmediate();
  assert.equal(throttle.waitingCount, 6, 'the others have the rest');
  while (checks.length > 0) await end({ ...wrong, isOver: true });
  assert.equal(throttle.waitingCount, 0);
  for (let i = 0; i < 9; i++) guess('192.0.2.1', 'cid@local.test');
  await setImmediate();
  assert.equal(throttle.waitingCount, 4, 'it has its share again');
});

test('failures under other names, of however many peers, push no name’s count out', async () => {
  const limits = { ...defaultLogInLimits, entriesMax: 100 };
  const throttle = new LogInThrottle(limits, spelled);
  for (let i = 0; i < 50; i++) await failed(throttle, `10.0.0.${i}`, 'ann@local.test', 0);
  assert.equal(throttle.waitMs('203.0.113.1', 'ann@local.test', 0), 10_000);
  for (let i = 0; i < 3_000; i++) {
    await failed(throttle, `10.1.${i >> 8}.${i & 255}`, `n${i}@local.test`, 1);
  }
  assert.equal(throttle.waitMs('203.0.113.1', 'ann@local.test', 1), 9_999);
});

test('an attempt ends once', async () => {
  const one: Attempt = (await begun(new LogInThrottle(), '192.0.2.1', 'ann', 0))!;
  one.undone();
  assert.throws(() => one.failed(), /once/);
});

const pit = { msEach: 500, msMax: 5_000, heldMax: 3, heldPerPeerMax: 2 };

async function heldMs(tarpit: Tarpit, clock: SeededClock, failures: number, address = '192.0.2.1') {
  const beganMs = clock.monotonicMs();
  let isTold = false;
  void tarpit.hold(address, failures).then(() => {
    isTold = true;
  });
  for (;;) {
    await setImmediate();
    if (isTold) return clock.monotonicMs() - beganMs;
    clock.advance(100);
  }
}

test('the answer to a failure is held longer with each of its peer, and never for longer than it may', async () => {
  const clock = new SeededClock();
  const tarpit = new Tarpit(
    pit,
    networkSet([{ family: 4, address: '203.0.113.0', prefixBits: 24 }]),
    clock,
  );
  const each = [];
  for (const failures of [1, 2, 3, 11, 12, 1_000]) each.push(await heldMs(tarpit, clock, failures));
  assert.deepEqual(each, [0, 500, 1_000, 5_000, 5_000, 5_000]);
  assert.equal(await heldMs(tarpit, clock, 9, '127.0.0.1'), 0);
  assert.equal(await heldMs(tarpit, clock, 9, '203.0.113.7'), 0, 'it is allowed');
  assert.equal(tarpit.heldCount, 0);
});

test('what is held back is bounded, by peer and in all: past that the answer comes at once', async () => {
  const clock = new SeededClock();
  const tarpit = new Tarpit(pit, networkSet([]), clock);
  const held = ['2001:db8::1', '2001:db8::2', '192.0.2.1'].map((each) => tarpit.hold(each, 9));
  const beganMs = clock.monotonicMs();
  await tarpit.hold('2001:db8::3', 9);
  await tarpit.hold('192.0.2.2', 9);
  assert.equal(clock.monotonicMs(), beganMs);
  assert.equal(tarpit.heldCount, 3);
  clock.advance(5_000);
  await Promise.all(held);
  assert.equal(tarpit.heldCount, 0);
});

test('while the answer to a failure is held back, who is right gets in from the same peer', async () => {
  const clock = new SeededClock();
  const logIn = {
    authenticate: async () => wrong,
    throttle: new LogInThrottle(),
    tarpit: new Tarpit(pit, networkSet([]), clock),
  };
  const session = {
    ...{ logIn, address: '192.0.2.1', listener: 'imap', tls: undefined },
    ...{ clock, log: silentLog },
  };
  await attempt(session, 'ann@local.test', () => wrong);
  const late = attempt(session, 'ann@local.test', () => wrong);
  await setImmediate();
  assert.equal((await attempt(session, 'ann@local.test', () => right)).ok, true);
  assert.equal(logIn.tarpit.heldCount, 1);
  clock.advance(500);
  assert.equal((await late).ok, false);
});
