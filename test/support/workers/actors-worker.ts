/**
 * A pool entry for tests of the actor runtime: it keeps lists in memory and dies on request.
 *
 * Runs in: Piscina threads. A real entry has the same shape: build adapters and the engine part, then serve.
 */

import { threadId } from 'node:worker_threads';
import type { Handlers } from '../../../src/actors/ask.ts';
import { threadEntry } from '../../../src/actors/thread-entry.ts';
import { nodeClock } from '../../../src/adapters/node/clock.ts';
import { assert } from '../../../src/base/assert.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createServer } from '../../../src/engine/serve.ts';

export default threadEntry(({ thread, post, end }) => {
  const lists = new Map<string, unknown[]>();
  const handlers: Handlers = {
    /** Adds to the actor's list, and says what stands there now. */
    'list.add': (ask) => {
      const list = lists.get(ask.actor) ?? [];
      lists.set(ask.actor, list);
      list.push(ask.meta);
      return { ok: true, value: { list: [...list], bytes: ask.body.byteLength, thread, threadId } };
    },
    'thread.exit': () => process.exit(7),
    'thread.assert': () => {
      assert(false, 'asked to fail');
      return { ok: true, value: undefined };
    },
    'shard.open': () => ({ ok: true, value: undefined }),
    'shard.close': () => ({ ok: true, value: undefined }),
    'wait.outside': (ask) => ({
      pending: new Promise((resolve) =>
        setTimeout(() => resolve({ ok: true, value: ask.meta }), 10),
      ),
    }),
  };
  return createServer({ handlers, clock: nodeClock, log: silentLog, post, end });
});
