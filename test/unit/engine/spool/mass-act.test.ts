/**
 * Aim: an act on all that a selection means meets each message once, a page at a time, and repeated does nothing twice.
 * Method: a shard in memory with messages that have rows and some that have none yet.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lastIdAt } from '../../../../src/base/ids.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

const pageRows = 512;

async function queued(count: number): Promise<SpoolWorld> {
  const world = new SpoolWorld();
  world.isFull = true;
  for (let i = 0; i < count; i++) await world.accept([`a${i}@to.test`], `s${i % 2}@from.test`);
  return world;
}

async function heldCount(world: SpoolWorld): Promise<number> {
  let count = 0;
  for (let after = ''; ; ) {
    const page = await world.list(after, 1_000, { state: 'held' });
    count += page.entries.length;
    if (page.isComplete) return count;
    after = page.scannedTo;
  }
}

it('goes on from page to page, and does nothing to those it does not mean', async () => {
  const world = await queued(pageRows + 100);
  const selection = { sender: 's1@from.test' };
  const first = await world.actOnPage({ selection });
  assert.deepEqual([first.count, first.scannedCount], [pageRows / 2, pageRows]);
  const last = await world.actOnPage({ selection, after: first.scannedTo });
  assert.deepEqual([last.count, last.scannedCount, last.scannedTo], [50, 100, '']);
  assert.equal(await heldCount(world), pageRows / 2 + 50);
});

it('repeated, it neither does nor counts what is done already', async () => {
  const world = await queued(40);
  const count = async (action: 'hold' | 'release' | 'rebind' | 'bounce' | 'delete') =>
    (await world.actOnPage({ action, binding: { campaign: 'one' } })).count;
  for (const action of ['hold', 'release', 'rebind', 'hold', 'bounce'] as const) {
    assert.equal(await count(action), 40, action);
    const records = world.shard.records.length;
    const again = action === 'bounce' ? await world.actOnPage({ upTo: '0' }) : undefined;
    assert.equal(again?.count ?? (await count(action)), 0, action);
    assert.equal(world.shard.records.length, records, `no record of a second ${action}`);
  }
  await world.settle();
  // What is left are the reports to the senders.
  const { entries } = await world.list('', 1_000);
  assert.deepEqual(
    [entries.length, new Set(entries.map(({ sender }) => sender))],
    [40, new Set([''])],
  );
});

it('means nothing that was accepted after it began', async () => {
  const world = await queued(3);
  const upTo = lastIdAt(world.clock.nowMs());
  world.clock.advance(1);
  const late = await world.accept(['late@to.test']);
  const answer = await world.actOnPage({ upTo });
  assert.deepEqual([answer.count, answer.scannedTo], [3, '']);
  const { entries } = await world.list('', 10, { state: 'waiting' });
  assert.deepEqual(
    entries.map(({ id }) => id),
    [late],
  );
});

it('meets what gets its row meanwhile once', async () => {
  const world = new SpoolWorld();
  for (let i = 0; i < 10; i++) await world.accept([`a${i}@to.test`]);
  assert.equal(world.shard.index.range({ from: Buffer.of(0x20), to: Buffer.of(0x21) }).length, 0);
  assert.equal((await world.actOnPage({})).count, 10);
  await world.pass(3_000);
  assert.equal((await world.actOnPage({})).count, 0);
});

it('waits while the index lags, for mail goes first', async () => {
  const world = await queued(3);
  world.shard.indexLag = 10_000;
  let isDone = false;
  const acting = world.actOnPage({}).then((answer) => {
    isDone = true;
    return answer;
  });
  await world.clock.pass(100);
  assert.equal(isDone, false);
  world.shard.indexLag = 0;
  await world.clock.pass(100);
  assert.equal((await acting).count, 3);
});
