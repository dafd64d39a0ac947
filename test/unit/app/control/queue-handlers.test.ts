/** Aim: what an act on the queue costs the shards. Method: the handlers over shards that only count what is asked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask } from '../../../../src/actors/ask.ts';
import type { ControlCall, QueueSelection } from '../../../../src/actors/asks/control.ts';
import { askedHere } from '../../../../src/actors/asks/principal.ts';
import type { MassActView } from '../../../../src/actors/asks/queue-act-control.ts';
import { type QueueAction, queueAsks } from '../../../../src/actors/asks/queue-asks.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { queueHandlers } from '../../../../src/app/control/queue-handlers.ts';
import type { NewMassAct } from '../../../../src/app/mass-acts.ts';

const call = { by: askedHere, emit: async () => {} } as unknown as ControlCall<MassActView>;

function world() {
  const asked: Ask[] = [];
  const entries = [{ id: 'A' }];
  const list = { entries, isComplete: true, scannedTo: '', queuedCount: 1 };
  const begun: NewMassAct[] = [];
  const act = { id: 7, state: 'done', count: 3 };
  const parts = {
    shards: 2,
    massActs: {
      begin: async (wanted: NewMassAct) => {
        begun.push(wanted);
        return act;
      },
      follow: async () => act,
    },
    clock: { nowMs: () => 5 },
    router: {
      ask: async (ask: Ask) => {
        asked.push(ask);
        const value = ask.name === queueAsks.list ? list : { count: ask.shard === 1 ? 1 : 0 };
        return { ok: true, value };
      },
    },
  } as unknown as ControlParts;
  const hold = (selection: QueueSelection) => queueHandlers(parts)['queue.hold']!(selection, call);
  const names = () => asked.splice(0).map(({ name }) => name);
  return { asked, names, hold, begun };
}

test('messages chosen by their names alone are acted on without a look for them first', async () => {
  const { asked, names, hold } = world();
  assert.deepEqual(await hold({ ids: ['B', 'A', 'B'], domain: 'to.test' }), { count: 1 });
  const { ids, only } = asked[0]!.meta as QueueAction;
  assert.deepEqual([ids, only.domain], [['B', 'A'], 'to.test']);
  assert.deepEqual(names(), [queueAsks.act, queueAsks.act]);
});

test('messages chosen by more than their names, or very many of them, are acted on page by page', async () => {
  const { names, hold, begun } = world();
  const many = Array.from({ length: 501 }, (_, i) => `${i}`);
  const selections = [
    { ids: ['A'], sender: 'who@sender.test' },
    { ids: ['A'], state: 'waiting' },
    { ids: many },
    { all: true },
  ] as const;
  for (const selection of selections) {
    const answer = await hold(selection);
    assert.deepEqual([answer.count, answer.act?.id], [3, 7]);
  }
  assert.deepEqual(
    begun.map(({ action, selection, queuedCount }) => [action, selection, queuedCount]),
    selections.map((selection) => ['hold', selection, 2]),
  );
  assert.equal(names().includes(queueAsks.act), false);
});
