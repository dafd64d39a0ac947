/**
 * Aim: threads come back with their shards, wait longer the oftener they die, and a shard that ends threads is left
 *      closed while all others serve.
 * Method: the runtime on a hand-turned clock, with an engine whose opening misbehaves.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Handlers } from '../../../src/actors/ask.ts';
import { shardClose, shardOpen } from '../../../src/actors/asks/system.ts';
import { Jobs } from '../../../src/actors/jobs.ts';
import { Runtime } from '../../../src/actors/runtime.ts';
import { Uplink, UplinkHost } from '../../../src/actors/uplink.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createServer } from '../../../src/engine/serve.ts';
import { askOf } from '../../support/actor-engine.ts';
import { ActorWorld } from '../../support/actor-world.ts';
import { InlineChannel } from '../../support/inline-channel.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const done: Answer = { ok: true, value: undefined };

/** Two shards on one thread; `open` decides what opening one does. */
class Desk {
  readonly clock = new SeededClock();
  readonly channel: InlineChannel;
  readonly runtime: Runtime;
  lifeCount = 0;

  constructor(open: (shard: number, end: () => void) => Answer) {
    const { clock } = this;
    this.channel = new InlineChannel({
      threads: 1,
      build: ({ post, end }) => {
        this.lifeCount++;
        const handlers: Handlers = {
          [shardOpen]: (ask) => open(ask.shard, () => end('opened badly')),
          [shardClose]: () => done,
          hello: (ask) => ({ ok: true, value: ask.shard }),
        };
        return createServer({ handlers, clock, log: silentLog, post, end });
      },
    });
    const { channel } = this;
    this.runtime = new Runtime({ channel, shards: 2, workers: 1, clock, log: silentLog });
  }

  hello(shard: number): Promise<string> {
    const ask = askOf({ shard: shard as ShardId, name: 'hello' });
    return this.runtime.ask(ask).then((answer) => (answer.ok ? 'ok' : answer.code));
  }
}

test('a shard that cannot be opened answers so at once, and is tried again', async () => {
  let isWell = false;
  const desk = new Desk((shard) =>
    shard === 1 && !isWell ? { ok: false, code: 'disk-full', detail: '' } : done,
  );
  void desk.runtime.start();
  await desk.clock.pass(100);
  deepStrictEqual([await desk.hello(0), await desk.hello(1)], ['ok', 'disk-full']);
  strictEqual(desk.runtime.spoolShard(), 0);
  isWell = true;
  await desk.clock.pass(6_000, 100);
  deepStrictEqual([await desk.hello(1)], ['ok']);
});

test('a shard whose opening ends threads is found and left closed', async () => {
  const desk = new Desk((shard, end) => {
    if (shard === 0) end();
    return done;
  });
  void desk.runtime.start();
  await desk.clock.pass(3_000);
  deepStrictEqual([await desk.hello(0), await desk.hello(1)], ['store-failed', 'ok']);
  strictEqual(desk.runtime.supervisor.shardState(0 as ShardId), 'failed');
});

test('a read-only shard answers, and takes no new mail', async () => {
  const desk = new Desk((shard) => ({ ok: true, value: { isReadOnly: shard === 0 } }));
  void desk.runtime.start();
  await desk.clock.pass(100);
  strictEqual(await desk.hello(0), 'ok');
  strictEqual(desk.runtime.spoolShard(), 1);
});

test('a shard that can write no more takes no new mail until it is opened again', async () => {
  const desk = new Desk(() => done);
  void desk.runtime.start();
  await desk.clock.pass(100);
  desk.runtime.supervisor.noteReadOnly(0 as ShardId);
  strictEqual(desk.runtime.spoolShard(), 1);
  strictEqual(desk.runtime.supervisor.shardState(0 as ShardId), 'read-only');
  desk.channel.kill(0);
  await desk.clock.pass(100);
  strictEqual(desk.runtime.spoolShard(), 0);
});

test('the first death costs no wait, the next ones double it', async () => {
  const desk = new Desk(() => done);
  void desk.runtime.start();
  await desk.clock.pass(10);
  const waits: number[] = [];
  for (let death = 0; death < 5; death++) {
    desk.channel.kill(0);
    const startMs = desk.clock.monotonicMs();
    while (!desk.runtime.router.isOpen(0)) await desk.clock.pass(10);
    waits.push(Math.round((desk.clock.monotonicMs() - startMs) / 50) * 50);
  }
  deepStrictEqual(waits, [0, 100, 200, 400, 800]);
  await desk.clock.pass(61_000, 1_000);
  desk.channel.kill(0);
  await desk.clock.pass(20);
  ok(desk.runtime.router.isOpen(0), 'a minute without a death clears the sheet');
});

test('a thread that dies again while it waits is served once', async () => {
  const opened: number[] = [];
  const desk = new Desk((shard) => {
    opened.push(shard);
    return done;
  });
  void desk.runtime.start();
  await desk.clock.pass(10);
  for (let death = 0; death < 4; death++) {
    desk.channel.kill(0);
    await desk.clock.pass(20);
  }
  opened.length = 0;
  await desk.clock.pass(2_000, 50);
  deepStrictEqual(opened, [0, 1]);
});

test('closing answers what is under way, refuses what comes, and closes every shard', async () => {
  const world = await new ActorWorld({ shards: 3 }).start();
  const write = (meta: number) =>
    world.runtime.ask(askOf({ shard: (meta % 3) as ShardId, name: 'write', meta }));
  const before = [0, 1, 2].map(write);
  await turns(1);
  const closed = world.runtime.close();
  const after = write(4);
  await world.until(closed);
  deepStrictEqual(
    (await Promise.all(before)).map((answer) => answer.ok),
    [true, true, true],
  );
  const refused = await after;
  strictEqual(refused.ok ? 'ok' : refused.code, 'draining');
  strictEqual(world.engine.openCount(), 0);
  deepStrictEqual(world.engine.faults, []);
});

test('a thread that stays hot gives a shard to a cool one', async () => {
  const world = new ActorWorld({ shards: 4 });
  const active = [0, 0];
  world.channel.activeMs = (thread = 0) => active[thread]!;
  await world.start();
  const { runtime, clock } = world;
  for (let i = 0; i < 80 && runtime.placement.shardsOf(0).length === 2; i++) {
    for (const shard of [0, 0, 2]) {
      void runtime.ask(askOf({ shard: shard as ShardId, name: 'write', meta: i }));
    }
    active[0]! += 100;
    await clock.pass(100);
  }
  deepStrictEqual(runtime.placement.shardsOf(1), [1, 2, 3]);
  deepStrictEqual(world.engine.faults, []);
});

test('new mail leaves a thread that stalls within a second', async () => {
  const world = new ActorWorld({ shards: 4 });
  const active = [0, 0];
  world.channel.activeMs = (thread = 0) => active[thread]!;
  await world.start();
  const { runtime, clock } = world;
  strictEqual(runtime.placement.owner(runtime.spoolShard()), 0);
  for (let i = 0; i < 10; i++) {
    active[0]! += 100;
    await clock.pass(100);
  }
  strictEqual(runtime.placement.owner(runtime.spoolShard()), 1);
});

test('jobs wait their turn, in order, in a bounded queue, for a thread that is there', async () => {
  const started: string[] = [];
  const ends: ((answer: Answer) => void)[] = [];
  let isReady = false;
  const jobs = new Jobs({
    threads: [5],
    isReady: () => isReady,
    askThread: (thread, ask) => {
      started.push(`${ask.name}@${thread}`);
      return new Promise((resolve) => ends.push(resolve));
    },
    waitingMax: 2,
  });
  const codes = ['a', 'b', 'c'].map((name) =>
    jobs.run({ name, meta: 0 }).then((answer) => (answer.ok ? 'ok' : answer.code)),
  );
  strictEqual(await codes[2], 'store-busy');
  deepStrictEqual(started, []);
  isReady = true;
  jobs.wake();
  deepStrictEqual(started, ['a@5']);
  ends[0]!(done);
  strictEqual(await codes[0], 'ok');
  await turns(1);
  deepStrictEqual(started, ['a@5', 'b@5']);
  const waiting = jobs.run({ name: 'd', meta: 0 });
  jobs.end();
  const answer = await waiting;
  strictEqual(answer.ok ? 'ok' : answer.code, 'draining');
});

test('asks upwards are bounded, and answers for a dead thread are dropped', async () => {
  const answers: ((answer: Answer) => void)[] = [];
  const posted: number[] = [];
  const host = new UplinkHost({
    ask: () => new Promise((resolve) => answers.push(resolve)),
    post: (thread, message) => {
      posted.push(thread);
      if (message.kind === 'late') uplink.receive(message);
    },
    log: silentLog,
  });
  const uplink = new Uplink((message) => {
    if (message.kind === 'asks') host.receive(3, message);
  }, 2);
  const ask = () => uplink.ask(askOf({ shard: 0 as ShardId, name: 'n' }));
  const first = ask();
  void ask();
  const third = await ask();
  strictEqual(third.ok ? 'ok' : third.code, 'store-busy');
  await turns(1);
  answers[0]!(done);
  deepStrictEqual(await first, done);
  strictEqual(uplink.waitingCount, 1);
  host.lost(3);
  answers[1]!(done);
  await turns(2);
  deepStrictEqual(posted, [3]);
});

test('a job whose thread cannot be asked is answered, and the next one has its turn', async () => {
  let asks = 0;
  const jobs = new Jobs({
    threads: [5],
    isReady: () => true,
    askThread: async () => {
      asks++;
      if (asks === 1) throw new Error('no such thread');
      return done;
    },
  });
  const [first, second] = await Promise.all(['a', 'b'].map((name) => jobs.run({ name, meta: 0 })));
  strictEqual(first!.ok ? 'ok' : first!.code, 'store-failed');
  strictEqual(second!.ok, true);
});
