/**
 * Aim: an act on all that a filter means is done on a running server, told of, and gone on with by the next server
 *      where the last one went down in the midst of it.
 * Method: mail that a next hop defers; an act that a server which never got to it left in its table.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { MassActView } from '../../src/actors/asks/queue-act-control.ts';
import { openLmdbTable } from '../../src/adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { MassActs } from '../../src/app/mass-acts.ts';
import { silentLog } from '../../src/base/log.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

/** Nobody listens there. */
const settings = { 'relay.route': 'smtp://127.0.0.1:9' };

async function statesOf(test: TestServer): Promise<string[]> {
  const { entries } = await test.call('queue.list', { limit: 100 });
  return entries.map(({ recipients }) => recipients[0]!.state);
}

it('holds all that a filter means and says so; an act that a restart cut off goes on by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  try {
    await using first = await startTestServer(settings, { folder });
    for (let i = 0; i < 6; i++)
      await sendSmall(first, `u${i}@${i % 2 === 0 ? 'far' : 'near'}.test`);
    const { count, act } = await first.call('queue.hold', { domain: 'far.test' });
    assert.deepEqual([count, act!.state, act!.count, act!.queuedCount], [3, 'done', 3, 6]);
    const again = await first.call('queue.hold', { domain: 'far.test' });
    assert.equal(again.count, 0, 'held mail is not held again');
    const { acts } = await first.call('queue.acts', {});
    assert.deepEqual(
      acts.map(({ id, state }) => [id, state]),
      [
        [2, 'done'],
        [1, 'done'],
      ],
    );
    await assert.rejects(first.call('queue.stop', { id: 3 }), { code: 'not-found' });
    await first.stop();

    const table = openLmdbTable({ path: join(folder, 'data', 'queue-acts') });
    const page = () => Promise.race<never>([]);
    const parts = { table, clock: nodeClock, log: silentLog, shards: 4, page };
    const wanted = { action: 'hold', selection: { domain: 'near.test' }, queuedCount: 6 } as const;
    assert.equal((await new MassActs(parts).begin(wanted)).id, 3);
    await table.close();

    await using test = await startTestServer(settings, { folder });
    const late = await sendSmall(test, 'late@near.test');
    const done = await eventually('the act ends', async () => {
      const [newest] = (await test.call('queue.acts', {})).acts;
      return newest!.state === 'running' ? undefined : (newest as MassActView);
    });
    assert.deepEqual([done.id, done.state, done.count], [3, 'done', 3]);
    assert.equal((await statesOf(test)).filter((state) => state === 'held').length, 6);
    const { entry } = await test.call('queue.show', { id: late });
    assert.notEqual(entry.recipients[0]!.state, 'held');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
