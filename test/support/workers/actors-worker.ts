/**
 * A pool entry for tests of the actor runtime: it keeps lists in memory and dies on request.
 *
 * Runs in: Piscina threads. A real entry has the same shape: build adapters and the engine part, then serve.
 */

import { existsSync } from 'node:fs';
import { threadId, workerData } from 'node:worker_threads';
import type { Handlers } from '../../../src/actors/ask.ts';
import { noShard, shardClose, shardOpen } from '../../../src/actors/asks/system.ts';
import { threadEntry } from '../../../src/actors/thread-entry.ts';
import { Uplink } from '../../../src/actors/uplink.ts';
import { nodeClock } from '../../../src/adapters/node/clock.ts';
import { assert } from '../../../src/base/assert.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createServer } from '../../../src/engine/serve.ts';
import { askOf } from '../actor-engine.ts';

const { brokenWhile } = workerData as { readonly brokenWhile?: string };
if (brokenWhile !== undefined && existsSync(brokenWhile)) throw new Error('broken at its start');

export default threadEntry(({ thread, post, end }) => {
  const lists = new Map<string, unknown[]>();
  const uplink = new Uplink(post);
  let policy: unknown;
  const done = { ok: true, value: undefined } as const;
  const handlers: Handlers = {
    [shardOpen]: () => done,
    [shardClose]: () => done,
    /** Adds to the actor's list, and says what stands there now and where. */
    'list.add': (ask) => {
      const list = lists.get(ask.actor) ?? [];
      lists.set(ask.actor, list);
      list.push(ask.meta);
      return { ok: true, value: { count: list.length, last: ask.meta, thread, threadId } };
    },
    'list.get': (ask) => ({ ok: true, value: lists.get(ask.actor) ?? [] }),
    'thread.exit': () => process.exit(7),
    'thread.assert': () => {
      assert(false, 'asked to fail');
      return done;
    },
    'wait.outside': (ask) => ({
      pending: new Promise((resolve) =>
        setTimeout(() => resolve({ ok: true, value: ask.meta }), 10),
      ),
    }),
    /** Asks the shard named in `meta` upwards, and passes its answer on. */
    'ask.other': (ask) => ({
      pending: uplink.ask(
        askOf({ shard: ask.meta as ShardId, actor: ask.actor, name: 'list.get', body: [ask.body] }),
      ),
    }),
    'ask.main': (ask) => ({
      pending: uplink.ask(askOf({ shard: noShard, name: 'main.add', meta: ask.meta })),
    }),
    'policy.set': (ask) => {
      policy = ask.meta;
      return done;
    },
    'policy.get': () => ({ ok: true, value: policy }),
    'notice.send': (ask) => {
      post({ kind: 'notice', name: 'test', value: ask.meta });
      return done;
    },
    'job.sum': (ask) => ({
      ok: true,
      value: (ask.meta as number[]).reduce((sum, value) => sum + value, 0),
    }),
  };
  const server = createServer({ handlers, clock: nodeClock, log: silentLog, post, end });
  return {
    serve: server.serve,
    receive: (message) => {
      if (message.kind === 'late') uplink.receive(message);
    },
  };
});
