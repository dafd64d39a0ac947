/**
 * Aim: a batch is on disk before it is answered, all its messages come to an end, and a stop or a kill at any point
 *      has it gone on with.
 * Method: messages that the test takes or refuses, a table in memory that outlives the server, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { atOnce, makingMsMax } from '../../../../src/app/batches/batch-run.ts';
import {
  Batches,
  keptMax,
  listedMax,
  runningMax,
  tenantWaitingMax,
  waitingMax,
} from '../../../../src/app/batches/batches.ts';
import { apiKeyId, type MessageId, MessageIdSource, tenantId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { NewBatch } from '../../../../src/edge/protocols/http/api/batches.ts';
import { ApiFault } from '../../../../src/edge/protocols/http/api/fault.ts';
import type { ApiKey } from '../../../../src/ports/account-directory.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

const tenant = tenantId(1);
const waitingBytesMax = 100_000_000;
const key: ApiKey = {
  ...{ id: apiKeyId(1), tenant, name: '', scopes: ['send'], hash: '' },
  ...{ messagesPerMinuteMax: 0, createdMs: 0 },
};
const peer = { address: '192.0.2.1', port: 1, isTls: false };

interface Made {
  readonly batch: string;
  readonly index: number;
  readonly taken: (id?: string) => void;
  readonly refused: (error: unknown) => void;
}

class World {
  readonly clock = new SeededClock();
  readonly table = new MemoryIndex();
  readonly #ids = new MessageIdSource(() => this.clock.nowMs(), 1);
  made: Made[] = [];
  room = Number.POSITIVE_INFINITY;
  keys: readonly ApiKey[] = [key];
  batches = this.open();

  open(): Batches {
    this.made = [];
    const batches = new Batches({
      ...{ table: this.table, clock: this.clock, log: silentLog, waitingBytesMax },
      nextId: () => this.#ids.next(),
      reserve: (bytes) => {
        if (bytes > this.room) return false;
        this.room -= bytes;
        return true;
      },
      release: (bytes) => {
        this.room += bytes;
      },
      keyOf: async (id) => this.keys.find((each) => each.id === id),
    });
    return batches;
  }

  start(): this {
    this.batches.start(async ({ id: batch, given }) => ({
      count: given.recipients!.length,
      take: (index) =>
        new Promise<MessageId>((resolve, refused) => {
          const taken = (id = `${batch}-${index}`) => resolve(id as MessageId);
          this.made.push({ batch, index, taken, refused });
        }),
    }));
    return this;
  }

  /** A server that was killed leaves its table, and nothing else. */
  again(): this {
    this.batches = this.open();
    return this.start();
  }

  async begin(count: number, more: Partial<NewBatch> = {}): Promise<string> {
    const recipients = Array.from({ length: count }, (_, i) => ({ to: `u${i}@far.test` }));
    const { id } = await this.batches.begin({
      asker: { key, peer, pool: undefined },
      given: { from: 'a@acme.test', text: 'x'.repeat(600_000), recipients },
      ...{ count, idempotencyKey: undefined },
      ...more,
    });
    await turns(20);
    return id;
  }

  async takeAll(): Promise<number> {
    let count = 0;
    for (let each = this.made.shift(); each !== undefined; each = this.made.shift()) {
      each.taken();
      count++;
      await turns(20);
    }
    return count;
  }

  find(id: string) {
    return this.batches.find(tenant, id)!;
  }
}

test('it makes all messages, a few at a time, and says which became what', async () => {
  const world = new World().start();
  const id = await world.begin(20);
  assert.equal(world.made.length, atOnce);
  assert.equal(world.find(id).state, 'generating');
  world.made.splice(3, 1)[0]!.refused(new ApiFault('recipient-suppressed', 'suppressed'));
  await turns(20);
  assert.equal(await world.takeAll(), 19);
  const { state, ids, failures, taken, failed, endedAt } = world.find(id);
  assert.deepEqual([state, taken, failed, typeof endedAt], ['done', 19, 1, 'string']);
  assert.deepEqual([ids[0], ids[3], ids[19]], [`${id}-0`, null, `${id}-19`]);
  assert.deepEqual(failures, [{ index: 3, code: 'recipient-suppressed', message: 'suppressed' }]);
  assert.equal(world.batches.find(tenantId(2), id), undefined);
  const rows = world.table.range({ from: Buffer.of(0), to: Buffer.of(0xff) });
  assert.equal(rows.length, 1, 'the request is kept no longer');
});

test('what was not made before a kill is made after it, what was is not', async () => {
  const world = new World().start();
  const id = await world.begin(20);
  for (let i = 0; i < 5; i++) world.made.shift()!.taken();
  world.made.shift()!.refused(new ApiFault('recipient-invalid', 'no'));
  await turns(20);
  await world.clock.advance(1_000);
  await turns(20);
  world.again();
  await turns(20);
  assert.equal(world.made[0]!.index, 6);
  assert.equal(await world.takeAll(), 14);
  const { state, taken, failed } = world.find(id);
  assert.deepEqual([state, taken, failed], ['done', 19, 1]);
});

test('a stop of the server keeps how far it is', async () => {
  const world = new World().start();
  const id = await world.begin(3);
  world.made.shift()!.taken();
  await turns(20);
  const { table } = world;
  table.close = async () => {};
  const closed = world.batches.close();
  for (const each of world.made) each.taken();
  await closed;
  world.again();
  await turns(20);
  assert.equal(world.made.length, 0);
  assert.equal(world.find(id).state, 'done');
});

test('a message that may be taken later is tried again, until its keys would be forgotten', async () => {
  const world = new World().start();
  const id = await world.begin(1);
  world.made.shift()!.refused(new ApiFault('store-busy', 'later'));
  await turns(20);
  assert.equal(world.made.length, 0);
  await world.clock.advance(5_000);
  await turns(20);
  assert.equal(world.made.length, 1);
  await world.clock.advance(makingMsMax);
  world.made.shift()!.refused(new ApiFault('tenant-over-quota', 'later'));
  await turns(20);
  await world.clock.advance(5_000);
  await turns(20);
  assert.deepEqual([world.made.length, world.find(id).state], [0, 'failed']);
  assert.match(world.find(id).fault, /in time/);
});

test('what nobody expected is tried again, but not for ever', async () => {
  const world = new World().start();
  const id = await world.begin(1);
  let tries = 0;
  while (world.find(id).state === 'generating') {
    assert.ok(tries++ < 100);
    world.made.shift()?.refused(new Error('a fault of ours'));
    await turns(20);
    await world.clock.advance(60_000);
    await turns(20);
  }
  assert.deepEqual([tries, world.find(id).failed], [10, 1]);
});

test('a key that was revoked makes no more', async () => {
  const world = new World().start();
  const id = await world.begin(20);
  world.keys = [];
  assert.equal(await world.takeAll(), atOnce);
  const { state, taken, fault } = world.find(id);
  assert.deepEqual([state, taken, fault], ['failed', atOnce, 'its API key is there no more']);
});

test('it is stopped while it runs and while it waits', async () => {
  const world = new World().start();
  const first = await world.begin(20);
  const stopping = world.batches.stop(tenant, first);
  await turns(20);
  assert.equal(await world.takeAll(), atOnce);
  assert.deepEqual([(await stopping)!.state, world.find(first).taken], ['stopped', atOnce]);
  world.room = 0;
  const second = await world.begin(1);
  const stopped = world.batches.stop(tenant, second);
  await turns(20);
  await world.clock.advance(1_000);
  assert.equal((await stopped)!.state, 'stopped');
  assert.equal(await world.batches.stop(tenantId(2), first), undefined);
});

test('the same idempotency key is the same batch, also when it has ended, for a day', async () => {
  const world = new World().start();
  const [first, same] = await Promise.all([
    world.begin(1, { idempotencyKey: 'one' }),
    world.begin(1, { idempotencyKey: 'one' }),
  ]);
  assert.equal(first, same);
  await world.takeAll();
  assert.equal(world.find(first!).state, 'done');
  assert.equal(await world.begin(1, { idempotencyKey: 'one' }), first);
  world.again();
  assert.equal(await world.begin(1, { idempotencyKey: 'one' }), first);
  const foreign = { key: { ...key, tenant: tenantId(2) }, peer, pool: undefined };
  assert.notEqual(await world.begin(1, { idempotencyKey: 'one', asker: foreign }), first);
  await world.clock.advance(24 * 3_600_000);
  assert.notEqual(await world.begin(1, { idempotencyKey: 'one' }), first);
});

test('a batch that is not on disk is none', async () => {
  const world = new World().start();
  const commit = world.table.commit.bind(world.table);
  world.table.commit = () => Promise.reject(new Error('full'));
  const both = [1, 2].map(() => world.begin(1, { idempotencyKey: 'one' }));
  for (const each of both) await assert.rejects(each, { code: 'store-failed', status: 503 });
  world.table.commit = commit;
  assert.deepEqual(world.batches.list(tenant), []);
  world.again();
  assert.deepEqual(world.batches.list(tenant), []);
});

test('few run at a time, tenants in turn, and as many wait as there is room for', async () => {
  const world = new World().start();
  const own = await Promise.all(Array.from({ length: tenantWaitingMax }, () => world.begin(1)));
  assert.equal(world.made.length, runningMax);
  await assert.rejects(world.begin(1), { code: 'not-possible-now', status: 503 });
  const otherKey = { ...key, id: apiKeyId(2), tenant: tenantId(2) };
  world.keys = [key, otherKey];
  const asker = { key: otherKey, peer, pool: undefined };
  const other = await world.begin(1, { asker });
  world.made.shift()!.taken();
  await turns(20);
  assert.equal(world.made.at(-1)!.batch, other);
  assert.equal(world.batches.list(tenant).length, listedMax);
  assert.equal(world.batches.list(tenant)[0]!.id, own.at(-1));
  assert.ok(waitingMax >= 10 * tenantWaitingMax);
  await world.takeAll();
  assert.ok(world.batches.list(tenant).every(({ state }) => state === 'done'));
});

test('no more bytes wait than may', async () => {
  const world = new World();
  const asker = { key, peer, pool: undefined };
  const recipients = [{ to: 'b@far.test' }];
  const given = { from: 'a@acme.test', text: 'x'.repeat(waitingBytesMax / 2), recipients };
  await world.begin(1, { given, asker });
  await assert.rejects(world.begin(1, { given, asker }), { code: 'not-possible-now' });
  await world.begin(1);
  world.again();
  await assert.rejects(world.begin(1, { given, asker }), { code: 'not-possible-now' });
});

test('it waits for room in memory', async () => {
  const world = new World().start();
  world.room = 1_000;
  const id = await world.begin(1);
  assert.equal(world.made.length, 0);
  world.room = 1_000_000;
  await world.clock.advance(1_000);
  await turns(20);
  assert.equal(world.made.length, 1);
  assert.ok(world.room < 500_000);
  await world.takeAll();
  assert.deepEqual([world.find(id).state, world.room], ['done', 1_000_000]);
});

test(`${keptMax} that ended are remembered`, async () => {
  const world = new World().start();
  const given = { from: 'a@acme.test', text: 'x', recipients: [{ to: 'b@far.test' }] };
  for (let i = 0; i < keptMax + 3; i++) {
    await world.begin(1, { given });
    await world.takeAll();
  }
  const rows = world.table.range({ from: Buffer.of(0), to: Buffer.of(0xff) });
  assert.equal(rows.length, keptMax);
});
