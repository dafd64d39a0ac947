/** Aim: a thread for work that may wait takes a lower priority than those beside it, and they keep theirs. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

const skip = existsSync('/proc/thread-self') ? false : 'threads have no priority of their own here';

test('a thread lowers its own priority alone', { skip }, async () => {
  const before = getPriority(process.pid);
  const worker = new Worker(new URL('../../../support/workers/priority.ts', import.meta.url));
  const [said] = await once(worker, 'message');
  await worker.terminate();
  assert.deepEqual(said, { isLowered: true, by: 5 });
  assert.equal(getPriority(process.pid), before);
});
