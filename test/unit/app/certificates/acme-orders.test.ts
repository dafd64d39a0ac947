/**
 * Aim: certificates are ordered when they are due and not more often, whatever fails and whenever the server ends.
 * Method: an authority that is a function, a clock turned by hand, a disk in memory.
 */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { AcmeFiles } from '../../../../src/app/certificates/acme-files.ts';
import { AcmeOrders } from '../../../../src/app/certificates/acme-orders.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../../../src/base/units.ts';
import type { OrderAnswer } from '../../../../src/ports/certificate-authority.ts';
import type { Disk } from '../../../../src/ports/disk.ts';
import { seededChance } from '../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { TestAuthority } from '../../../support/certificate-maker.ts';
import { defaultSettings } from '../../../support/default-settings.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

let authority: TestAuthority;
before(async () => {
  authority = await TestAuthority.make();
});

const refused: OrderAnswer = { ok: false, detail: 'no' };

class World {
  readonly clock = new SeededClock(Date.now());
  disk: Disk = new MemoryDisk();
  readonly asked: string[] = [];
  #last: Promise<unknown> = Promise.resolve();
  changes = 0;
  answer: () => Promise<OrderAnswer> = async () => refused;

  files(): AcmeFiles {
    return new AcmeFiles(this.disk, '/tls', 'https://ca.test/directory', silentLog);
  }

  open(names: readonly string[] = ['mx.test']): Promise<AcmeOrders> {
    const acme = { ...defaultSettings.acme, certificates: [{ name: 'mail', names }] };
    return AcmeOrders.open({
      ...{ acme, clock: this.clock, random: new SeededRandom(1), log: silentLog },
      files: this.files(),
      board: { show() {}, hide() {} },
      authority: {
        newAccountKey: async () =>
          '-----BEGIN PRIVATE KEY-----\nbWFkZQ==\n-----END PRIVATE KEY-----\n',
        order: (order) => {
          this.asked.push(order.names.join());
          const answer = this.answer();
          this.#last = answer;
          return answer;
        },
      },
      changed: () => {
        this.changes++;
      },
      failed() {},
    });
  }

  async issue(names: readonly string[] = ['mx.test']): Promise<OrderAnswer> {
    const notBeforeMs = this.clock.nowMs();
    const notAfterMs = notBeforeMs + 90 * dayMs;
    return { ok: true, ...(await authority.issue({ dns: names, notBeforeMs, notAfterMs })) };
  }

  /** Looks each hour, as the desk does more often, and lets what came of it settle. */
  async pass(orders: AcmeOrders, hours: number): Promise<void> {
    for (let hour = 0; hour < hours; hour++) {
      orders.look();
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      // Keys are made in other threads; an answer that never comes is not waited for.
      await Promise.race([this.#last, new Promise((resolve) => setTimeout(resolve, 40))]);
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      this.clock.advance(hourMs);
    }
  }
}

test('a certificate is ordered at once, and again after two thirds of its life', async () => {
  const world = new World();
  world.answer = () => world.issue();
  const orders = await world.open();
  await world.pass(orders, 24 * 56);
  assert.equal(world.asked.length, 1);
  assert.equal(world.changes, 1);
  await world.pass(orders, 24 * 5);
  assert.equal(world.asked.length, 2);
  assert.equal(orders.states()[0]!.error, '');
});

test('an authority that refuses is asked 9 times in 5 days at most, restarts included', async () => {
  const world = new World();
  let orders = await world.open();
  for (let day = 0; day < 5; day++) {
    await world.pass(orders, 24);
    await orders.close();
    orders = await world.open();
  }
  // After 1, 2, 4, 8, 16 and then each 24 hours, each with a fifth of it more at most.
  assert.ok(world.asked.length >= 7 && world.asked.length <= 9, String(world.asked.length));
  assert.equal(orders.states()[0]!.error, 'no');
  world.answer = () => world.issue();
  await world.pass(orders, 30);
  assert.equal(orders.states()[0]!.error, '');
});

test('a server that is killed in each order does not order at each start', async () => {
  const world = new World();
  world.answer = () => new Promise(() => {});
  for (let start = 0; start < 20; start++) await world.pass(await world.open(), 1);
  // Twenty hours of a start each hour.
  assert.ok(world.asked.length <= 5, String(world.asked.length));
});

test('what cannot be written is no certificate, and no reason to end', async () => {
  const world = new World();
  world.answer = async () => ({ ok: true, cert: 'no certificate', key: 'no key' });
  const orders = await world.open();
  await world.pass(orders, 1);
  assert.notEqual(orders.states()[0]!.error, '');
  assert.equal(orders.states()[0]!.pair, undefined);
  assert.equal(world.changes, 0);
});

test('other names are ordered at once, also while the old ones wait for a retry', async () => {
  const world = new World();
  await world.pass(await world.open(), 1);
  assert.deepEqual(world.asked, ['mx.test']);
  const names = ['mx.test', 'imap.test'];
  world.answer = () => world.issue(names);
  await world.pass(await world.open(names), 1);
  assert.deepEqual(world.asked, ['mx.test', 'mx.test,imap.test']);
});

test('one order runs at a time, an operator waits for it, and a stop ends it', async () => {
  const world = new World();
  const answer = Promise.withResolvers<OrderAnswer>();
  world.answer = () => answer.promise;
  const orders = await world.open();
  await world.pass(orders, 1);
  await assert.rejects(orders.renew('mail'), /an order is under way/);
  await assert.rejects(orders.renew('other'), /not-found/);
  answer.resolve(refused);
  await orders.close();
  await world.pass(orders, 48);
  assert.equal(world.asked.length, 1);
});

test('a kept file that is half written is ordered anew', async () => {
  const world = new World();
  world.answer = () => world.issue();
  await world.pass(await world.open(), 1);
  const files = world.files();
  const pair = (await files.pair('mail'))!;
  assert.deepEqual(pair.names, ['mx.test']);
  await files.keepPair('mail', { ...pair, cert: pair.cert.slice(0, 100) });
  const orders = await world.open();
  assert.equal(orders.states()[0]!.pair, undefined);
  await world.pass(orders, 1);
  assert.equal(world.asked.length, 2);
});

test('an authority that adds a name is asked no more often for it', async () => {
  const world = new World();
  world.answer = () => world.issue(['mx.test', 'www.mx.test']);
  await world.pass(await world.open(), 24 * 50);
  await world.pass(await world.open(), 24 * 5);
  assert.deepEqual([world.asked.length, world.changes], [1, 1]);
});

test('a certificate that is not for all names is none, and the former one stays', async () => {
  const world = new World();
  world.answer = () => world.issue();
  await world.pass(await world.open(), 1);
  const names = ['mx.test', 'imap.test'];
  const orders = await world.open(names);
  await world.pass(orders, 24);
  assert.ok(world.asked.length <= 1 + 5, String(world.asked.length));
  const [state] = orders.states();
  assert.equal(state!.error, 'the certificate is not for imap.test');
  assert.deepEqual(state!.pair!.names, ['mx.test']);
});

test('a certificate that is due as it comes is used, and waits as a failure does', async () => {
  const world = new World();
  world.answer = async () => {
    const notAfterMs = world.clock.nowMs() + minuteMs;
    const notBeforeMs = notAfterMs - 90 * dayMs;
    return { ok: true, ...(await authority.issue({ dns: ['mx.test'], notBeforeMs, notAfterMs })) };
  };
  let orders = await world.open();
  await world.pass(orders, 12);
  await orders.close();
  orders = await world.open();
  await world.pass(orders, 12);
  await orders.close();
  assert.ok(world.asked.length >= 4 && world.asked.length <= 5, String(world.asked.length));
  assert.equal(world.changes, world.asked.length);
  assert.match(orders.states()[0]!.error, /due to be renewed already/);
});

test('tries that say nothing are none', async () => {
  for (const text of ['', '{', 'null', '[]', '{"names":["mx.test"],"failureCount":1}']) {
    const world = new World();
    await world.files().accountKey(async () => 'none');
    const [folder] = await world.disk.list('/tls/acme');
    const file = await world.disk.open(`/tls/acme/${folder}/mail.tries`, 'create');
    await file.write(0, [Buffer.from(text)]);
    await world.pass(await world.open(), 1);
    assert.equal(world.asked.length, 1, text);
  }
});

test('whatever instant the power goes at, a pair is the old one or the new one, and orders wait', async () => {
  let cuts = 0;
  let isWhole = false;
  for (let calls = 1; !isWhole; calls++) {
    for (const seed of [1, 2, 3]) {
      const world = new World();
      let disk = new SimulatedDisk(seededChance(100 * calls + seed));
      world.disk = disk;
      world.answer = () => world.issue();
      const first = await world.open();
      await world.pass(first, 1);
      await first.close();
      const old = (await world.files().pair('mail'))!;
      world.clock.advance(61 * dayMs);
      const orders = await world.open();
      let left = calls;
      disk.plan = { onCall: () => --left === 0 };
      await world.pass(orders, 1);
      await orders.close();
      isWhole = !disk.isOff;
      if (!isWhole) cuts++;
      const asked = world.asked.length;
      disk = disk.cutPower();
      world.disk = disk;
      const again = await world.open();
      const { pair, error, nextMs } = again.states()[0]!;
      assert.ok(pair !== undefined, `at call ${calls} there is a pair`);
      const isNew = pair.fingerprint !== old.fingerprint;
      if (isNew) {
        assert.equal(error, '', `at call ${calls}`);
        assert.ok(nextMs > world.clock.nowMs() + 50 * dayMs, 'a new pair is not ordered again');
      } else if (asked > 1) {
        assert.ok(nextMs >= world.clock.nowMs(), `at call ${calls} it waits`);
      }
      await world.pass(again, 3);
      await again.close();
      assert.ok(world.asked.length <= asked + 1, `at call ${calls}: ${world.asked.length}`);
      assert.notEqual(again.states()[0]!.pair!.fingerprint, old.fingerprint);
    }
  }
  assert.ok(cuts > 20, String(cuts));
});
