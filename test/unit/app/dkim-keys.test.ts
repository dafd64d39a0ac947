/**
 * Aim:    a new key signs only once its record is there (RFC 6376 §3.6.2.2: one record, not several), and whatever is
 *         interrupted goes on where it was.
 * Method: the real directory over a table in memory, a DNS of given records, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dkimKeysJob } from '../../../src/actors/asks/job-asks.ts';
import type { Jobs } from '../../../src/actors/jobs.ts';
import { createMemoryDirectory } from '../../../src/adapters/memory/memory-directory.ts';
import { DkimKeys } from '../../../src/app/dkim-keys.ts';
import { defaultTenant } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, minuteMs } from '../../../src/base/units.ts';
import { dkimKeyHandlers } from '../../../src/engine/jobs/dkim-keys.ts';
import { dkimRecordText } from '../../../src/mail/trust/dkim/keys.ts';
import { keysPerDomainMax } from '../../../src/mail/trust/dkim/rotation.ts';
import type { Dns } from '../../../src/ports/dns.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const domain = 'example.org';

async function world() {
  const directory = createMemoryDirectory();
  await directory.putDomain({ name: domain, tenant: defaultTenant, createdMs: 0 });
  const clock = new SeededClock();
  const records = new Map<string, string[]>();
  const told: number[] = [];
  const dns = {
    txt: async (name: string) => {
      const found = records.get(name);
      if (found === undefined) return { ok: false, reason: 'missing', detail: '' };
      return { ok: true, records: found, ttlSeconds: 1, secure: false };
    },
  } as unknown as Dns;
  const jobs = {
    run: async (job: { readonly meta: unknown }) =>
      dkimKeyHandlers[dkimKeysJob]!(job as never, undefined as never),
  } as unknown as Jobs;
  const open = () =>
    new DkimKeys({
      ...{ directory, jobs, dns, clock, log: silentLog },
      lookUpMs: minuteMs,
      overlapMs: 14 * dayMs,
      policyChanged: async () => {
        told.push(clock.nowMs());
      },
    });
  const keys = open();
  await keys.create(domain, ['ed25519-sha256']);
  const states = async () =>
    (await directory.dkimKeys(domain)).map(({ selector, state }) => `${selector} ${state ?? 'on'}`);
  const publish = async (selector: string) => {
    const all = await directory.dkimKeys(domain);
    const key = all.find((each) => each.selector === selector)!;
    records.set(`${selector}._domainkey.${domain}`, [dkimRecordText(key.privatePem)]);
  };
  return { directory, clock, records, told, keys, open, states, publish };
}

const first = 'chaski-ed';
const second = 'chaski-20260101-ed';

test('a new key signs once its record is seen, and the old one is published on', async () => {
  const { keys, states, publish, clock, told, directory } = await world();
  keys.start();
  told.length = 0;
  await keys.rotate(domain, undefined, false);
  assert.deepEqual(await states(), [`${first} on`, `${second} waiting`]);
  clock.advance(minuteMs);
  await turns(50);
  assert.deepEqual(await states(), [`${first} on`, `${second} waiting`]);
  assert.deepEqual(told, []);
  await publish(second);
  clock.advance(minuteMs);
  await turns(50);
  assert.deepEqual(await states(), [`${first} retired`, `${second} on`]);
  assert.equal(told.length, 1);
  const [old] = await directory.dkimKeys(domain);
  assert.equal(old!.publishUntilMs, clock.nowMs() + 14 * dayMs);
  await assert.rejects(keys.delete(domain, first, false), /under way/);
  clock.advance(14 * dayMs);
  await turns(50);
  await keys.delete(domain, first, false);
  assert.deepEqual(await states(), [`${second} on`]);
  await keys.close();
  assert.equal(clock.timerCount, 0);
});

test('a key that waits goes on waiting after a restart', async () => {
  const { keys, open, states, publish, clock } = await world();
  await keys.rotate(domain, undefined, false);
  await keys.close();
  await publish(second);
  const again = open();
  again.start();
  clock.advance(minuteMs);
  await turns(50);
  assert.deepEqual(await states(), [`${first} retired`, `${second} on`]);
  await again.close();
});

test('another record, or two, are not the one looked for', async () => {
  const { keys, states, publish, records } = await world();
  await keys.rotate(domain, undefined, false);
  const name = `${second}._domainkey.${domain}`;
  await publish(second);
  const own = records.get(name)![0]!;
  for (const wrong of [[own.slice(0, -4)], [own, own], [own.replace('k=ed25519', 'k=rsa')], []]) {
    records.set(name, wrong);
    await keys.lookUp();
    assert.equal((await states())[1], `${second} waiting`);
  }
  records.set(name, [`n=our own note; ${own.replace('; p=', ';p= ')} ; t=s`]);
  await keys.lookUp();
  assert.equal((await states())[1], `${second} on`);
});

test('rotating twice makes one key, and by force it signs at once', async () => {
  const { keys, states, told } = await world();
  await Promise.all([keys.rotate(domain, undefined, false), keys.rotate(domain, undefined, false)]);
  assert.deepEqual(await states(), [`${first} on`, `${second} waiting`]);
  told.length = 0;
  await keys.rotate(domain, undefined, true);
  assert.deepEqual(await states(), [`${first} retired`, `${second} on`]);
  assert.equal(told.length, 1);
  await keys.rotate(domain, undefined, false);
  assert.equal((await states())[2], `${second}-2 waiting`);
});

test('a key of another kind joins the ones there are, and replaces none', async () => {
  const { keys, states } = await world();
  await keys.rotate(domain, ['rsa-sha256'], true);
  assert.deepEqual(await states(), [`${first} on`, 'chaski-20260101-rsa on']);
});

test('the last key that signs is retired by force only, and one that waits is dropped', async () => {
  const { keys, states } = await world();
  await assert.rejects(keys.retire(domain, first, false), /only key/);
  await assert.rejects(keys.retire(domain, 'none', false), /none/);
  await assert.rejects(keys.delete(domain, first, false), /not retired/);
  await keys.rotate(domain, undefined, false);
  await keys.retire(domain, second, false);
  assert.deepEqual(await states(), [`${first} on`]);
  await keys.retire(domain, first, true);
  assert.deepEqual(await states(), [`${first} retired`]);
  await keys.delete(domain, first, true);
  assert.deepEqual(await states(), []);
});

test('a domain has so many keys at most', async () => {
  const { keys, states } = await world();
  for (let count = 1; count < keysPerDomainMax; count++) await keys.rotate(domain, undefined, true);
  await assert.rejects(keys.rotate(domain, undefined, true), /at most/);
  assert.equal((await states()).length, keysPerDomainMax);
});
