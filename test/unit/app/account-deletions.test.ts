/** Aim: mail of accounts that are gone goes, whatever fails between. Method: shards that note what they hear. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import { createMemoryDirectory } from '../../../src/adapters/memory/memory-directory.ts';
import { AccountDeletions } from '../../../src/app/account-deletions.ts';
import { failure } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { minuteMs } from '../../../src/base/units.ts';
import { accountRow, domainRow } from '../../contracts/directory-rows.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

async function world() {
  const directory = createMemoryDirectory();
  const clock = new SeededClock();
  const deleted: unknown[] = [];
  const closed = new Set<number>();
  const ask = async ({ meta, shard, actor }: Ask): Promise<Answer> => {
    const [id] = meta as readonly [number, number];
    if (closed.has(id)) return failure('store-read-only', 'the shard is damaged');
    deleted.push([id, shard, actor]);
    return { ok: true, value: undefined };
  };
  await directory.putDomain(domainRow('a.test'));
  const ann = await directory.createAccount(accountRow('ann@a.test'));
  const bob = await directory.createAccount(accountRow('bob@a.test'));
  const parts = { directory, router: { ask }, clock, log: silentLog };
  return {
    directory,
    clock,
    deleted,
    closed,
    ann,
    bob,
    parts,
    deletions: new AccountDeletions(parts),
  };
}

test('the shard of an account that is gone deletes it, once', async () => {
  const { directory, deleted, ann, deletions } = await world();
  await directory.deleteAccount(ann.id);
  assert.equal(await deletions.isLeft(ann.id), true);
  await deletions.settle();
  await deletions.settle();
  assert.equal(deleted.length, 1);
  assert.deepEqual((deleted[0] as unknown[]).slice(0, 2), [ann.id, ann.shard]);
  assert.equal(await deletions.isLeft(ann.id), false);
  assert.deepEqual(await directory.deletions(), []);
});

test('nothing is asked where nothing is marked', async () => {
  const { deleted, deletions } = await world();
  await deletions.settleMarked();
  await deletions.settle();
  assert.deepEqual(deleted, []);
});

test('a shard that does not answer is asked again, and holds no other up', async () => {
  const { directory, clock, deleted, closed, ann, bob, deletions } = await world();
  closed.add(ann.id);
  await directory.deleteAccount(ann.id);
  await directory.deleteAccount(bob.id);
  await deletions.settle();
  assert.equal((deleted as number[][])[0]![0], bob.id);
  assert.deepEqual(
    (await directory.deletions()).map(({ id }) => id),
    [ann.id],
  );
  closed.clear();
  clock.advance(minuteMs);
  await deletions.settle();
  assert.equal((deleted as number[][]).at(-1)![0], ann.id);
  assert.deepEqual(await directory.deletions(), []);
  assert.equal(clock.timerCount, 0);
});

test('after a kill between, whoever starts next finishes it', async () => {
  const { directory, deleted, ann, parts } = await world();
  await directory.deleteAccount(ann.id);
  const next = new AccountDeletions(parts);
  await next.settle();
  assert.equal((deleted as number[][])[0]![0], ann.id);
});

test('after a kill before its mark went, it is deleted again, which changes nothing', async () => {
  const { directory, deleted, ann, parts, deletions } = await world();
  await directory.deleteAccount(ann.id);
  const forgetful = { ...parts, directory: { ...endless(directory) } };
  await new AccountDeletions(forgetful).settle();
  await deletions.settle();
  assert.deepEqual(
    (deleted as number[][]).map(([id]) => id),
    [ann.id, ann.id],
  );
  assert.deepEqual(await directory.deletions(), []);
});

test('once closed it asks nothing more', async () => {
  const { directory, clock, deleted, closed, ann, deletions } = await world();
  closed.add(ann.id);
  await directory.deleteAccount(ann.id);
  await deletions.settle();
  await deletions.close();
  closed.clear();
  clock.advance(10 * minuteMs);
  await deletions.settle();
  assert.deepEqual(deleted, []);
});

function endless(directory: ReturnType<typeof createMemoryDirectory>) {
  return { deletions: () => directory.deletions(), endDeletion: async () => {} };
}
