/**
 * Aim: killed between a digest and the note that it was told, the same digest is handed in again; one that could not be
 *      handed in is tried again, and others are told meanwhile.
 * Method: a shard of two accounts, played by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask } from '../../../src/actors/ask.ts';
import { quarantineAsks } from '../../../src/actors/asks/quarantine-asks.ts';
import { nodeClock } from '../../../src/adapters/node/clock.ts';
import type { Notice } from '../../../src/app/own-mail.ts';
import { QuarantineDigests } from '../../../src/app/quarantine-digests.ts';
import { failure } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, minuteMs } from '../../../src/base/units.ts';
import type { Account } from '../../../src/ports/account-directory.ts';
import { defaultSettings } from '../../support/default-settings.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const held = (id: number) => ({
  ...{ id, kind: 'spam', heldMs: 0, untilMs: dayMs, bytes: 9 },
  ...{ from: 'b@x.test', subject: `s${id}`, sender: '', scanner: 'own' },
});

/** What two servers after each other find. */
interface Disk {
  readonly notes: Map<number, readonly [day: number, uidMax: number]>;
  readonly later: (readonly [account: number, id: number])[];
}

function world(disk: Disk = { notes: new Map(), later: [] }) {
  const clock = new SeededClock(100 * dayMs);
  const notices: Notice[] = [];
  const told: unknown[] = [];
  const faults = { send: '', told: false, emptyPages: 0 };
  const answer = (ask: Ask) => {
    switch (ask.name) {
      case quarantineAsks.due:
        return {
          ok: true,
          value: {
            accounts: [
              [1, 0, 2],
              [2, 0, 1],
            ],
          },
        } as const;
      case quarantineAsks.list: {
        const [account, from] = ask.meta as readonly [number, number];
        // Told before: pages without any.
        if (from < faults.emptyPages)
          return { ok: true, value: { messages: [], next: from + 1 } } as const;
        const messages = account === 1 ? [held(3), held(5)] : [held(1)];
        const later = disk.later.filter(([of]) => of === account).map(([, id]) => held(id));
        return { ok: true, value: { messages: [...messages, ...later] } } as const;
      }
      case quarantineAsks.telling: {
        const [account, , today, uidMax] = ask.meta as readonly [number, number, number, number];
        const known = disk.notes.get(account);
        const note = known?.[0] === today ? known : ([today, uidMax] as const);
        disk.notes.set(account, note);
        return { ok: true, value: note[1] } as const;
      }
      default:
        if (faults.told) return failure('store-failed', 'no disk');
        told.push(ask.meta);
        return { ok: true, value: undefined } as const;
    }
  };
  const digests = new QuarantineDigests({
    asks: { router: { ask: async (ask) => answer(ask) }, clock: nodeClock },
    directory: {
      accountById: (id) => ({ id, tenant: 0, shard: 0, address: `u${id}@a.test` }) as Account,
    },
    shards: 1,
    send: async (notice) => {
      if (notice.to === faults.send) return 'store-failed';
      notices.push(notice);
      return '';
    },
    root: () => Buffer.alloc(32),
    settings: defaultSettings,
    clock,
    log: silentLog,
  });
  const day = async () => {
    clock.jump(dayMs);
    clock.advance(minuteMs);
    await new Promise((resolve) => setTimeout(resolve, 60));
  };
  return { digests, day, notices, told, faults };
}

test('a digest that is not noted as told is the same again', async () => {
  const { digests, day, notices, told, faults } = world();
  digests.start();
  faults.told = true;
  await day();
  faults.told = false;
  await day();
  await digests.close();
  const keys = notices.map(({ key }) => key);
  assert.deepEqual(keys, [
    ...['quarantine digest 1 5', 'quarantine digest 2 1'],
    ...['quarantine digest 1 5', 'quarantine digest 2 1'],
  ]);
  assert.deepEqual(told, [
    [1, 0, 5],
    [2, 0, 1],
  ]);
});

test('a day has one digest of an account, whatever restarts come between', async () => {
  const disk: Disk = { notes: new Map(), later: [] };
  const before = world(disk);
  before.digests.start();
  before.faults.told = true;
  await before.day();
  await before.digests.close();
  disk.later.push([1, 7]);
  const after = world(disk);
  after.digests.start();
  await after.day();
  await after.digests.close();
  const [first, second] = [before, after].map(({ notices }) => notices.map(({ key }) => key));
  assert.deepEqual(second, first);
  assert.ok(!after.notices[0]!.lines.some((line) => line.includes('s7')));
  assert.deepEqual(after.told[0], [1, 0, 5]);
});

test('one account that cannot be told holds up no other', async () => {
  const { digests, day, notices, told, faults } = world();
  digests.start();
  faults.send = 'u1@a.test';
  await day();
  await digests.close();
  assert.deepEqual(
    notices.map(({ to }) => to),
    ['u2@a.test'],
  );
  assert.deepEqual(told, [[2, 0, 1]]);
});

test('what was told before is passed by, however much it is', async () => {
  const { digests, day, told, faults } = world();
  digests.start();
  faults.emptyPages = 100;
  await day();
  await digests.close();
  assert.deepEqual(told, [
    [1, 0, 5],
    [2, 0, 1],
  ]);
});
