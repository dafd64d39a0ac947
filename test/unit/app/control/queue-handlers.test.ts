/** Aim: what an act on the queue costs the shards. Method: the handlers over shards that only count what is asked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask } from '../../../../src/actors/ask.ts';
import type { ControlCall, QueueSelection } from '../../../../src/actors/asks/control.ts';
import { type QueueAction, queueAsks } from '../../../../src/actors/asks/queue-asks.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { queueHandlers } from '../../../../src/app/control/queue-handlers.ts';

const noCall = {} as ControlCall<never>;

function world() {
  const asked: Ask[] = [];
  const entries = [{ id: 'A' }];
  const list = { entries, isComplete: true, scannedTo: '', queuedCount: 1 };
  const parts = {
    shards: 2,
    clock: { nowMs: () => 5 },
    router: {
      ask: async (ask: Ask) => {
        asked.push(ask);
        const value = ask.name === queueAsks.list ? list : { count: ask.shard === 1 ? 1 : 0 };
        return { ok: true, value };
      },
    },
  } as unknown as ControlParts;
  const hold = (selection: QueueSelection) =>
    queueHandlers(parts)['queue.hold']!(selection, noCall);
  const names = () => asked.splice(0).map(({ name }) => name);
  return { asked, names, hold };
}

test('messages chosen by their names alone are acted on without a look for them first', async () => {
  const { asked, names, hold } = world();
  assert.deepEqual(await hold({ ids: ['B', 'A', 'B'], domain: 'to.test' }), { count: 1 });
  const { ids, only } = asked[0]!.meta as QueueAction;
  assert.deepEqual([ids, only.domain], [['B', 'A'], 'to.test']);
  assert.deepEqual(names(), [queueAsks.act, queueAsks.act]);
});

test('messages chosen by more than their names, or very many of them, are looked for page by page', async () => {
  const { names, hold } = world();
  await hold({ ids: ['A'], sender: 'who@sender.test' });
  assert.equal(names().filter((name) => name === queueAsks.list).length, 2);
  await hold({ ids: ['A'], state: 'waiting' });
  assert.equal(names().filter((name) => name === queueAsks.list).length, 2);
  await hold({ ids: Array.from({ length: 501 }, (_, i) => `${i}`) });
  assert.equal(names().filter((name) => name === queueAsks.list).length, 2);
});
