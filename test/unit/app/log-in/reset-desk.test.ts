/**
 * Aim: a link sets a password once, in its hour, and who asks for one learns nothing and cannot flood anybody.
 * Method: the desk over a directory in memory, with its mail in a list.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passwordJobsWaitingMax } from '../../../../src/app/log-in/password-jobs.ts';
import {
  linkMs,
  linksPerHourMax,
  ResetDesk,
  type ResetDeskParts,
  underWayMax,
} from '../../../../src/app/log-in/reset-desk.ts';
import type { Notice } from '../../../../src/app/own-mail.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { AuditError, type AuditFacts } from '../../../../src/ports/audit-log.ts';
import { annsPassword, PasswordWorld } from '../../../support/password-world.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

const url = 'https://mail.local.test';
const fresh = 'a quite new pass phrase';

async function open(more: Partial<ResetDeskParts> = {}) {
  const world = await PasswordWorld.open();
  const { identity, clock, desk: passwords, ann } = world;
  await identity.owners.putRecoveryAddress(ann, 'ann@far.test');
  const mailed: Notice[] = [];
  const recorded: string[] = [];
  const record = async ({ act, outcome, principal }: AuditFacts) => {
    recorded.push(`${principal} ${act} ${outcome}`);
    return { sequence: 1 } as never;
  };
  const desk = new ResetDesk({
    ...{ identity, passwords, clock, url, log: silentLog, random: new SeededRandom(2) },
    send: async (notice) => {
      mailed.push(notice);
      return '';
    },
    audited: { desk: { record, note() {} }, isStrict: true },
    ...more,
  });
  const settled = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
  };
  const tokenIn = ({ lines }: Notice) => lines.find((line) => line.startsWith(url))!.slice(30);
  return { ...world, desk, mailed, recorded, settled, tokenIn };
}

test('a link goes to the recovery address, and sets a password once', async () => {
  const { desk, mailed, settled, logIn, recorded, identity, ann } = await open();
  desk.ask('ANN@local.test');
  await settled();
  const [notice] = mailed;
  assert.deepEqual([notice?.to, notice?.account], ['ann@far.test', 'ann@local.test']);
  const link = notice!.lines.find((line) => line.startsWith(`${url}/reset/`))!;
  const token = link.slice(`${url}/reset/`.length);
  const kept = JSON.stringify(await identity.credentials.password(ann));
  assert.ok(!kept.includes(token.slice(-43)), 'its secret is kept nowhere');
  assert.equal(await desk.isGood(token), true);
  const both = await Promise.all([
    desk.set(token, fresh, '192.0.2.1'),
    desk.set(token, 'another new pass phrase', '192.0.2.1'),
  ]);
  assert.deepEqual(both.map(({ ok }) => ok).sort(), [false, true]);
  assert.equal((await desk.set(token, fresh, '192.0.2.1')).ok, false);
  assert.equal(await desk.isGood(token), false);
  const facts = { address: '192.0.2.1', listener: 'imaps' };
  assert.equal((await logIn.check('ann@local.test', annsPassword, facts)).ok, false);
  assert.deepEqual(recorded.slice(0, 1), ['account ann@local.test password.reset begun']);
  assert.ok(recorded.includes('account ann@local.test password.reset done'));
});

test('all sessions end with it', async () => {
  const { desk, identity, ann, clock } = await open();
  const { credentials } = identity;
  await credentials.createSession(ann, {
    ...{ device: 'x', address: '192.0.2.1', createdMs: clock.nowMs(), secondFactorMs: 0 },
    ...{ refreshHash: 'a'.repeat(64), expiresMs: clock.nowMs() + 1_000 },
  });
  const { token } = await desk.link(ann);
  assert.equal((await desk.set(token, fresh, '')).ok, true);
  assert.deepEqual(await credentials.sessions(ann), []);
});

test('a password that is refused leaves the link good', async () => {
  const { desk, ann } = await open();
  const { token } = await desk.link(ann);
  const refused = await desk.set(token, 'short', '');
  assert.deepEqual([refused.ok, !refused.ok && refused.code], [false, 'argument-invalid']);
  assert.equal((await desk.set(token, fresh, '')).ok, true);
});

test('a link is good for its hour, until the next one, and for who may log in', async () => {
  const { desk, ann, clock, identity } = await open();
  const first = await desk.link(ann);
  assert.equal(first.url, `${url}/reset/${first.token}`);
  const second = await desk.link(ann);
  assert.equal(await desk.isGood(first.token), false);
  const account = (await identity.directory.accountById(ann.id))!;
  await identity.directory.putAccount({ ...account, isEnabled: false });
  assert.equal(await desk.isGood(second.token), false);
  await identity.directory.putAccount(account);
  clock.advance(linkMs - 1);
  assert.equal(await desk.isGood(second.token), true);
  clock.advance(1);
  assert.equal((await desk.set(second.token, fresh, '')).ok, false);
});

test('what is no token, or of another account, is no link', async () => {
  const { desk, ann } = await open();
  const { token } = await desk.link(ann);
  const secret = token.slice(-43);
  for (const wrong of [
    ...['', 'x', `${token}x`, token.slice(0, -1), `1-${ann.id}-${secret}`],
    ...[`0-${ann.id + 1}-${secret}`, `0-99999999999-${secret}`, `0-4294967296-${secret}`],
  ]) {
    assert.equal((await desk.set(wrong, fresh, '')).ok, false, wrong);
  }
  assert.equal(await desk.isGood(token), true);
});

test('nobody is mailed without an address, without pages, or more than so often', async () => {
  const { desk, mailed, settled, clock, identity, ann } = await open();
  desk.ask('nobody@local.test');
  for (let count = 0; count <= linksPerHourMax; count++) {
    desk.ask('ann@local.test');
    await settled();
  }
  assert.equal(mailed.length, linksPerHourMax);
  clock.advance(linkMs);
  await identity.owners.putRecoveryAddress(ann, '');
  desk.ask('ann@local.test');
  await settled();
  assert.equal(mailed.length, linksPerHourMax);
  const pageless = await open({ url: '' });
  pageless.desk.ask('ann@local.test');
  await pageless.settled();
  assert.equal(pageless.mailed.length, 0);
  assert.equal((await pageless.desk.link(pageless.ann)).url, '');
});

test('so many names are looked at, and the rest is dropped', async () => {
  const world = await PasswordWorld.open();
  const held = Promise.withResolvers<undefined>();
  let asked = 0;
  const accountByAddress = () => {
    asked++;
    return held.promise;
  };
  const directory = { accountByAddress } as unknown as typeof world.identity.directory;
  const { desk, settled } = await open({ identity: { ...world.identity, directory } });
  for (let count = 0; count <= underWayMax; count++) desk.ask('ann@local.test');
  assert.equal(asked, underWayMax);
  held.resolve(undefined);
  await settled();
  desk.ask('ann@local.test');
  assert.equal(asked, underWayMax + 1);
});

test('where it cannot be recorded nothing is done, and the link stays good', async () => {
  const failing = async () => {
    throw new AuditError('no room');
  };
  const audited = { desk: { record: failing, note() {} }, isStrict: true };
  const { desk, ann } = await open({ audited });
  const { token } = await desk.link(ann);
  const answer = await desk.set(token, fresh, '');
  assert.equal(!answer.ok && answer.code, 'store-failed');
  assert.equal(await desk.isGood(token), true);
});

test('a stranger who asks ends no link that a help desk handed out', async () => {
  const { desk, ann, mailed, settled, tokenIn } = await open();
  const { token } = await desk.link(ann);
  for (let count = 0; count < linksPerHourMax; count++) {
    desk.ask('ann@local.test');
    await settled();
  }
  const good = await Promise.all(mailed.map((notice) => desk.isGood(tokenIn(notice))));
  assert.deepEqual(good, [false, false, true], 'of those that were mailed the last one');
  assert.equal((await desk.set(token, fresh, '')).ok, true);
  assert.equal(await desk.isGood(tokenIn(mailed[2]!)), false);
});

test('a link is good still where its password found no place in the queue of hashes', async () => {
  const { desk, ann, passwordJobs, jobs, settled } = await open();
  const { token } = await desk.link(ann);
  jobs.isHeld = true;
  const job = { name: 'password.verify', meta: { hash: '', password: 'x' } };
  const own = Array.from({ length: passwordJobsWaitingMax + 1 }, () => passwordJobs.run(job));
  const refused = await desk.set(token, fresh, '');
  assert.equal(refused.ok ? '' : refused.code, 'store-busy');
  assert.equal(await desk.isGood(token), true);
  jobs.release();
  await Promise.all(own);
  await settled();
  assert.equal((await desk.set(token, fresh, '')).ok, true);
});
