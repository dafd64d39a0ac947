/**
 * Thread entry of `hop.ts`: answers at once.
 *
 * Runs in: Piscina threads.
 */

import { shardClose, shardOpen } from '../../src/actors/asks/system.ts';
import { threadEntry } from '../../src/actors/thread-entry.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { createServer } from '../../src/engine/serve.ts';

const done = { ok: true, value: undefined } as const;

export default threadEntry(({ post, end }) =>
  createServer({
    handlers: { [shardOpen]: () => done, [shardClose]: () => done, accept: async () => done },
    clock: nodeClock,
    log: silentLog,
    post,
    end,
  }),
);
