/** Aim: operators see how far an act on many messages is, for people and as JSON, and can stop and follow it. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ControlHandlers } from '../../../../src/actors/asks/control.ts';
import type { MassActView } from '../../../../src/actors/asks/queue-act-control.ts';
import { runCli } from '../run-cli.ts';

const running: MassActView = {
  id: 7,
  action: 'hold',
  selection: { domain: 'a.test', tenant: 'acme', tenantId: 3 },
  state: 'running',
  startedMs: Date.UTC(2026, 0, 2),
  endedMs: 0,
  count: 10,
  scannedCount: 500,
  queuedCount: 1_000,
  fault: '',
};
const done: MassActView = {
  ...running,
  state: 'done',
  endedMs: running.startedMs + 4_000,
  count: 20,
};

it('tells now and then how far it is and how to stop it, with --json on standard error', async (t) => {
  let nowMs = running.startedMs;
  t.mock.method(Date, 'now', () => nowMs);
  const handlers: ControlHandlers = {
    'queue.hold': async (_, { emit }) => {
      for (let seconds = 0; seconds < 4; seconds += 0.5) {
        nowMs += 500;
        await emit(running);
      }
      return { count: 20, act: done };
    },
  };
  const line = ['queue', 'hold', '--domain', 'a.test'];
  const { out, error } = await runCli(line, { handlers });
  assert.equal(out, 'Holding 20 messages.\n');
  assert.deepEqual(error.split('\n'), [
    'act 7 goes on by itself; stop it with: chaski queue stop 7',
    'hold: 10 messages, 500 of 1000 looked at, 500 messages/s',
    'hold: 10 messages, 500 of 1000 looked at, 250 messages/s',
    'hold: 10 messages, 500 of 1000 looked at, 167 messages/s',
    'hold: 10 messages, 500 of 1000 looked at, 125 messages/s',
    '',
  ]);
  nowMs = running.startedMs;
  const json = await runCli([...line, '--json'], { handlers });
  assert.deepEqual(JSON.parse(json.out), { count: 20, act: done });
  const told = json.error.trimEnd().split('\n');
  assert.deepEqual(
    told.map((text) => JSON.parse(text)),
    Array.from({ length: 4 }, () => ({ progress: running })),
  );
});

it('says that it was stopped by somebody else', async () => {
  const act = { ...done, state: 'stopped' } as const;
  const handlers: ControlHandlers = { 'queue.delete': () => ({ count: 20, act }) };
  const { out } = await runCli(['queue', 'delete', '--all'], { handlers });
  assert.equal(out, 'Stopped: Deleted 20 messages.\n');
});

it('lists acts, stops one, and follows one to its end', async () => {
  const asked: number[] = [];
  const handlers: ControlHandlers = {
    'queue.acts': () => ({ acts: [running, { ...done, id: 6, fault: 'shard 2 is gone' }] }),
    'queue.stop': ({ id }) => {
      asked.push(id);
      return { act: { ...running, state: 'stopped' } };
    },
    'queue.follow': ({ id }) => {
      asked.push(id);
      return { act: done };
    },
  };
  const { out } = await runCli(['queue', 'acts'], { handlers });
  assert.match(
    out,
    /7 +running +2026-01-02T00:00:00Z +- +10 +500 +1000 +hold domain="a.test" tenant="acme"\n/,
  );
  assert.match(out, /6 +done .* hold domain="a.test" tenant="acme" \(shard 2 is gone\)\n/);
  const stopped = await runCli(['queue', 'stop', '7'], { handlers });
  assert.equal(stopped.out, 'Act 7 is stopped: hold: 10 messages, 500 of 1000 looked at.\n');
  const followed = await runCli(['queue', 'follow', '7'], { handlers });
  assert.equal(followed.out, 'Act 7 is done: hold: 20 messages, 500 of 1000 looked at.\n');
  assert.equal((await runCli(['queue', 'stop', 'x'], { handlers })).code, 2);
  assert.deepEqual(asked, [7, 7]);
});
