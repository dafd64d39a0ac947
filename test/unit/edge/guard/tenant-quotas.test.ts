/**
 * Aim:    a quota outlives the process: a kill never gives a tenant more than its quota, nor takes more than a block.
 * Method: counts over a table in memory that is all a killed run leaves behind; commits held and failed by hand.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMemoryDirectory } from '../../../../src/adapters/memory/memory-directory.ts';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, hourMs } from '../../../../src/base/units.ts';
import { TenantQuotas } from '../../../../src/edge/guard/tenant-quotas.ts';
import type { Tenant } from '../../../../src/ports/account-directory.ts';
import { type IndexChange, IndexError } from '../../../../src/ports/shard-index.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

/** Counts commits, and fails or holds them. */
class WatchedIndex extends MemoryIndex {
  commits = 0;
  isFull = false;
  held: PromiseWithResolvers<void> | undefined;

  override async commit(changes: readonly IndexChange[]): Promise<void> {
    this.commits++;
    if (this.isFull) throw new IndexError('no room');
    await this.held?.promise;
    await super.commit(changes);
  }
}

async function world(quota: Pick<Tenant, 'messagesPerHourMax' | 'messagesPerDayMax' | 'queueMax'>) {
  const clock = new SeededClock();
  clock.advance(dayMs - (clock.nowMs() % dayMs));
  const directory = createMemoryDirectory();
  const made = await directory.createTenant({ name: 'acme', createdMs: 0 });
  await directory.putTenant({ ...made, ...quota });
  const table = new WatchedIndex();
  const queue = { count: 0 };
  /** Another run of the server, on what the last one left. */
  const run = async () => {
    const waitingCount = () => queue.count;
    const quotas = new TenantQuotas({ clock, directory, table, log: silentLog, waitingCount });
    await quotas.start();
    return quotas;
  };
  return { clock, directory, table, queue, tenant: made, run };
}

/** How many of `tries` are taken. */
async function taken(
  quotas: TenantQuotas,
  tenant: Parameters<TenantQuotas['take']>[0],
  tries: number,
) {
  let count = 0;
  for (let i = 0; i < tries; i++) if (typeof (await quotas.take(tenant)) === 'number') count++;
  return count;
}

it('kills at any message never give more than the quota, and cost a block of it each at most', async () => {
  const quota = 1_000;
  const block = 10;
  for (let killed = 1; killed <= 3 * block; killed++) {
    const { run, tenant } = await world({ messagesPerDayMax: quota });
    let sum = 0;
    for (let runs = 0; runs < 4; runs++) {
      const got = await taken(await run(), tenant.id, killed);
      assert.equal(got, killed);
      sum += got;
    }
    sum += await taken(await run(), tenant.id, 2 * quota);
    assert.ok(sum <= quota, `${sum} after kills at ${killed}`);
    assert.ok(sum >= quota - 4 * block, `${sum} after kills at ${killed}`);
  }
});

it('a clean stop costs nothing', async () => {
  const { run, tenant } = await world({ messagesPerHourMax: 100, messagesPerDayMax: 150 });
  let sum = 0;
  for (let runs = 0; runs < 5; runs++) {
    const quotas = await run();
    sum += await taken(quotas, tenant.id, 7);
    await quotas.close();
  }
  sum += await taken(await run(), tenant.id, 1_000);
  assert.equal(sum, 100);
});

it('windows that are over when the server starts again count for nothing', async () => {
  const { run, tenant, clock } = await world({ messagesPerHourMax: 2, messagesPerDayMax: 3 });
  assert.equal(await taken(await run(), tenant.id, 5), 2);
  clock.advance(hourMs);
  const next = await run();
  assert.equal(await taken(next, tenant.id, 5), 1);
  assert.equal(next.waitMs(tenant.id), 23 * hourMs);
  clock.advance(23 * hourMs);
  assert.equal(await taken(await run(), tenant.id, 5), 2);
});

it('writes once in half a block at most, and messages need not wait for it', async () => {
  const { run, tenant, table } = await world({ messagesPerDayMax: 100_000 });
  const quotas = await run();
  assert.equal(await taken(quotas, tenant.id, 100_000), 100_000);
  assert.ok(table.commits <= 202, `${table.commits} commits`);
  assert.equal(await quotas.take(tenant.id), 'tenant-over-quota');

  const other = await world({ messagesPerDayMax: 100_000 });
  const more = await other.run();
  await more.take(other.tenant.id);
  for (let i = 0; i < 400; i++) await more.take(other.tenant.id);
  other.table.held = Promise.withResolvers();
  // More than half of the block is used: the next is being written down, and what is left is taken at once.
  for (let i = 0; i < 500; i++) assert.equal(typeof more.take(other.tenant.id), 'number', `${i}`);
  other.table.held.resolve();
});

it('many at once that wait for one block share it, and none goes past the quota', async () => {
  const { run, tenant, table } = await world({ messagesPerDayMax: 5 });
  const quotas = await run();
  table.held = Promise.withResolvers();
  const asked = Array.from({ length: 20 }, () => quotas.take(tenant.id));
  table.held.resolve();
  const answers = await Promise.all(asked);
  assert.equal(answers.filter((answer) => typeof answer === 'number').length, 5);
  assert.equal(answers.filter((answer) => answer === 'tenant-over-quota').length, 15);
});

it('what cannot be written down is not taken, and is once it can', async () => {
  const { run, tenant, table } = await world({ messagesPerDayMax: 2 });
  const quotas = await run();
  table.isFull = true;
  assert.equal(await quotas.take(tenant.id), 'store-failed');
  table.isFull = false;
  assert.equal(await taken(quotas, tenant.id, 5), 2);
});

it('a clock that had run years ahead and is set back does not end the quota for years', async () => {
  const { run, tenant, clock } = await world({ messagesPerDayMax: 2 });
  clock.advance(800 * dayMs);
  const ahead = await run();
  assert.equal(await taken(ahead, tenant.id, 1), 1);
  await ahead.close();
  clock.jump(-800 * dayMs);
  const back = await run();
  assert.equal(await taken(back, tenant.id, 5), 1);
  assert.ok(back.waitMs(tenant.id) <= dayMs);
  clock.advance(dayMs);
  assert.equal(await taken(back, tenant.id, 5), 2);
  // Back over midnight is no new day.
  clock.jump(-hourMs);
  assert.equal(await taken(back, tenant.id, 1), 0);
});

it('one whose quota ended is counted no more', async () => {
  const { run, tenant, table, directory } = await world({ messagesPerDayMax: 2 });
  const quotas = await run();
  assert.equal(await taken(quotas, tenant.id, 5), 2);
  await directory.putTenant({ ...tenant, messagesPerDayMax: 0 });
  await turns(2);
  const before = table.commits;
  assert.equal(await taken(quotas, tenant.id, 50), 50);
  assert.equal(table.commits, before);
});

it('no more wait at once than a tenant may have waiting, those under way among them', async () => {
  const { run, tenant, queue, table } = await world({ queueMax: 3 });
  const quotas = await run();
  assert.equal(await taken(quotas, tenant.id, 5), 3);
  assert.equal(quotas.waitMs(tenant.id), 60_000);
  // Two came into the queue, one was refused there.
  queue.count = 2;
  for (const isAccepted of [true, true, false]) quotas.answered(tenant.id, 1, isAccepted);
  assert.deepEqual([quotas.waitMs(tenant.id, 1), quotas.waitMs(tenant.id, 2)], [0, 60_000]);
  assert.equal(await taken(quotas, tenant.id, 5), 1);
  queue.count = 0;
  assert.equal(await taken(quotas, tenant.id, 5), 2);
  assert.equal(table.commits, 0, 'nothing is written down for it');
});
