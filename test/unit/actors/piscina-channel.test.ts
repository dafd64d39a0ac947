/**
 * Aim: on real threads, parcels reach the owner of their shard in order, and a dead thread costs only its killer.
 * Method: the whole runtime over a Piscina pool of two shard threads and one for jobs.
 */

import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import { noShard, systemAsk } from '../../../src/actors/asks/system.ts';
import { ThreadLostError } from '../../../src/actors/channel.ts';
import { packAsks } from '../../../src/actors/parcel.ts';
import { PiscinaChannel } from '../../../src/actors/piscina-channel.ts';
import { Runtime } from '../../../src/actors/runtime.ts';
import type { SupervisorLimits } from '../../../src/actors/supervise.ts';
import { nodeClock } from '../../../src/adapters/node/clock.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { askOf } from '../../support/actor-engine.ts';

const entry = new URL('../../support/workers/actors-worker.ts', import.meta.url).href;

class Pool implements AsyncDisposable {
  readonly runtime: Runtime;
  policy = { version: 7 };

  constructor(workerData: object, supervisor: Partial<SupervisorLimits>, log: Log) {
    const channel = new PiscinaChannel({ entry, threads: 3, workerData, log });
    this.runtime = new Runtime({
      channel,
      shards: 4,
      workers: 2,
      clock: nodeClock,
      log,
      limits: { supervisor },
      standing: () => [this.policyAsk()],
      answers: {
        'main.add': (ask) => Promise.resolve({ ok: true, value: (ask.meta as number) + 1 }),
      },
    });
  }

  static async open(
    workerData: object = {},
    supervisor: Partial<SupervisorLimits> = {},
    log = silentLog,
  ): Promise<Pool> {
    const pool = new Pool(workerData, supervisor, log);
    await pool.runtime.start();
    return pool;
  }

  ask(shard: number, name: string, meta?: unknown, actor = `actor-${shard}`): Promise<Answer> {
    return this.runtime.ask(askOf({ shard: shard as ShardId, actor, name, meta }));
  }

  policyAsk(): Ask {
    return systemAsk('policy.set', noShard, this.policy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.close();
  }
}

interface Added {
  readonly count: number;
  readonly last: number;
  readonly thread: number;
  readonly threadId: number;
}

function said<T>(answer: Answer): T {
  ok(answer.ok, JSON.stringify(answer));
  return answer.value as T;
}

test('asks of an actor are handled in order by the thread that owns its shard', async () => {
  await using pool = await Pool.open();
  const waits: Promise<Answer>[] = [];
  for (let i = 0; i < 4_000; i++) {
    waits.push(pool.ask(i % 4, 'list.add', i));
    // Parcels of many sizes: the loop turns now and then.
    if (i % 97 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const added = (await Promise.all(waits)).map((answer) => said<Added>(answer));
  for (const [i, { count, last, thread }] of added.entries()) {
    strictEqual(last, i);
    strictEqual(count, Math.floor(i / 4) + 1);
    strictEqual(thread, pool.runtime.placement.owner((i % 4) as ShardId));
  }
  strictEqual(new Set(added.map(({ threadId }) => threadId)).size, 2);
});

for (const killer of ['thread.exit', 'thread.assert']) {
  test(`a thread ended by ${killer} comes back, and only the ask that did it fails`, async () => {
    await using pool = await Pool.open();
    const before = said<Added>(await pool.ask(0, 'list.add', 0));
    const asks = [0, 2, 1, 0, 2].map((shard, i) => pool.ask(shard, 'list.add', i));
    const poisoned = pool.ask(0, killer);
    const more = [0, 2, 1, 0, 2].map((shard, i) => pool.ask(shard, 'list.add', i + 5));
    const answers = await Promise.all([...asks, ...more]);
    for (const answer of answers) ok(answer.ok, JSON.stringify(answer));
    const failed = await poisoned;
    strictEqual(failed.ok ? 'ok' : failed.code, 'poison-ask');
    const after = said<Added>(await pool.ask(0, 'list.add', 10));
    strictEqual(after.thread, before.thread);
    ok(after.threadId !== before.threadId, 'the thread is another one');
    // What was asked after the killer, and this: tried again in the order it came.
    strictEqual(pool.runtime.supervisor.deathCount(0), 2);
  });
}

describe('on threads that live', () => {
  let pool: Pool;
  before(async () => {
    pool = await Pool.open();
  });
  after(() => pool[Symbol.asyncDispose]());

  test('an ask that waits for the outside leaves its parcel, and is answered by the port', async () => {
    const order: string[] = [];
    const slow = pool.ask(1, 'wait.outside', 'verdict').then((answer) => {
      order.push('slow');
      return answer;
    });
    await pool.ask(1, 'list.add', 1).then(() => order.push('fast'));
    strictEqual(said(await slow), 'verdict');
    deepStrictEqual(order, ['fast', 'slow']);
  });

  test('a handler asks a shard of another thread, and of its own', async () => {
    await pool.ask(1, 'list.add', 'x', 'shared');
    await pool.ask(2, 'list.add', 'y', 'shared');
    deepStrictEqual(said(await pool.ask(0, 'ask.other', 1, 'shared')), ['x']);
    deepStrictEqual(said(await pool.ask(0, 'ask.other', 2, 'shared')), ['y']);
  });

  test('an ask upwards may be answered by the main thread itself', async () => {
    strictEqual(said(await pool.ask(0, 'ask.main', 5)), 6);
  });

  test('a notice of a thread reaches who listens', async () => {
    const heard = new Promise((resolve) =>
      pool.runtime.onNotice('test', (thread, value) => resolve({ thread, value })),
    );
    await pool.ask(1, 'notice.send', 'hello');
    deepStrictEqual(await heard, { thread: 1, value: 'hello' });
  });

  test('a job runs on the thread kept for jobs', async () => {
    const jobs = [1, 2, 3].map((n) => pool.runtime.jobs.run({ name: 'job.sum', meta: [n, n] }));
    deepStrictEqual((await Promise.all(jobs)).map(said), [2, 4, 6]);
  });
});

test('what all threads must know is told to a later life before it serves', async () => {
  await using pool = await Pool.open();
  await pool.ask(0, 'thread.exit');
  deepStrictEqual(said(await pool.ask(0, 'policy.get')), { version: 7 });
  pool.policy = { version: 8 };
  const answers = await pool.runtime.askEach(pool.policyAsk());
  deepStrictEqual(
    answers.map((answer) => answer.ok),
    [true, true],
  );
  deepStrictEqual(said(await pool.ask(1, 'policy.get')), { version: 8 });
});

test('a shard moves under load without losing the order of an actor', async () => {
  await using pool = await Pool.open();
  const { runtime } = pool;
  const shard = 0 as ShardId;
  const waits: Promise<Answer>[] = [];
  const threads: number[] = [];
  for (let i = 0; i < 600; i++) {
    waits.push(
      pool.ask(0, 'list.add', i).then((answer) => {
        const { last, thread } = said<Added>(answer);
        strictEqual(last, threads.push(thread) - 1);
        return answer;
      }),
    );
    if (i === 200) void runtime.move({ shard, from: 0, to: 1 });
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(waits);
  strictEqual(runtime.placement.owner(shard), 1);
  deepStrictEqual(new Set(threads), new Set([0, 1]));
  deepStrictEqual(threads, threads.toSorted());
});

test('a parcel for a thread that is not there is refused, not queued', async () => {
  const events = { onReady() {}, onLost() {}, onMessage() {} };
  const channel = new PiscinaChannel({ entry, threads: 1, workerData: {}, log: silentLog });
  channel.start(events);
  await rejects(channel.send(0, packAsks(1, [])), ThreadLostError);
  await channel.close();
  await rejects(channel.send(0, packAsks(1, [])), ThreadLostError);
});

test('a thread that cannot start again has the pool made anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'actors-'));
  const brokenWhile = join(folder, 'broken');
  let rebuildCount = 0;
  const log: Log = {
    ...silentLog,
    error: (_fields, text) => {
      if (!text.includes('made anew')) return;
      rebuildCount++;
      rmSync(brokenWhile, { force: true });
    },
  };
  try {
    await using pool = await Pool.open({ brokenWhile }, { threadStartMsMax: 1_000 }, log);
    await pool.ask(1, 'list.add', 1);
    writeFileSync(brokenWhile, '');
    const poisoned = pool.ask(0, 'thread.exit');
    const other = pool.ask(0, 'list.add', 1);
    strictEqual((await poisoned).ok, false);
    ok((await other).ok);
    ok((await pool.ask(1, 'list.add', 2)).ok, 'the thread that was well serves again');
    ok(rebuildCount > 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
