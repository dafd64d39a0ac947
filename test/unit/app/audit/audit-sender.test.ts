/**
 * Aim: entries reach a receiver in their order, each at least once, past failures, kills and what was forgotten.
 * Method: the sender over a log in memory and a cursor of the test's own, a receiver that is a function, a clock by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryAuditLog } from '../../../../src/adapters/memory/memory-audit-log.ts';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { serverFacts } from '../../../../src/app/audit/audit-desk.ts';
import {
  AuditSender,
  type AuditSenderParts,
  BatchTooLarge,
  batchCountMax,
  pollMs,
  retryMsMax,
} from '../../../../src/app/audit/audit-sender.ts';
import { cursorFile } from '../../../../src/app/audit/open-senders.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { AuditEntry } from '../../../../src/ports/audit-log.ts';
import { SeededClock, SeededRandom, turns } from '../../../support/seeded-clock.ts';

function world(entryCount: number) {
  const clock = new SeededClock();
  const audit = new MemoryAuditLog(clock);
  const state = { cursor: { log: '', sequence: 0 }, isDown: false, tries: 0 };
  const taken: number[] = [];
  const batches: number[] = [];
  const append = async (count: number) => {
    for (let each = 0; each < count; each++) await audit.append([serverFacts('x', 'done')]);
  };
  const parts: AuditSenderParts = {
    target: {
      name: 'test',
      async send(_log: string, entries: readonly AuditEntry[]) {
        state.tries++;
        if (state.isDown) throw new Error('down');
        batches.push(entries.length);
        taken.push(...entries.map(({ sequence }) => sequence));
        return { stubs: 0 };
      },
      close: async () => {},
    },
    cursor: {
      read: async () => state.cursor,
      write: async (cursor) => {
        state.cursor = cursor;
      },
    },
    audit: () => audit,
    ...{ clock, random: new SeededRandom(2), log: silentLog },
  };
  const open = async (more: Partial<AuditSenderParts> = {}) => {
    const sender = new AuditSender({ ...parts, ...more });
    sender.start();
    await turns(40);
    return sender;
  };
  const wait = async (ms: number) => {
    clock.advance(ms);
    await turns(40);
  };
  return { ready: append(entryCount), audit, state, taken, batches, append, open, wait };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, place) => from + place);

test('all entries are sent in batches of their bound, and then what is new', async () => {
  const one = world(batchCountMax + 5);
  await one.ready;
  const sender = await one.open();
  assert.deepEqual(one.batches, [batchCountMax, 5]);
  assert.equal(sender.behind, 0);
  await one.append(3);
  assert.equal(sender.behind, 3);
  await one.wait(pollMs);
  assert.deepEqual(one.taken, range(1, batchCountMax + 8));
  assert.equal(one.state.cursor.sequence, batchCountMax + 8);
  await sender.stop();
});

test('what was not taken is sent again, later each time, and nothing passes it', async () => {
  const one = world(2);
  await one.ready;
  one.state.isDown = true;
  const sender = await one.open();
  await one.append(1);
  for (let waited = 0; waited < 600_000; waited += 1_000) await one.wait(1_000);
  assert.ok(one.state.tries > 8 && one.state.tries < 14, `${one.state.tries} tries`);
  assert.deepEqual([one.taken, one.state.cursor.sequence, sender.behind], [[], 0, 3]);
  one.state.isDown = false;
  await one.wait(retryMsMax);
  await one.wait(pollMs);
  assert.deepEqual(one.taken, [1, 2, 3]);
  await sender.stop();
});

test('a kill before the cursor was kept sends the batch again, and no other', async () => {
  const one = world(2);
  await one.ready;
  const lost = {
    read: async () => ({ log: '', sequence: 0 }),
    write: () => new Promise<void>(() => {}),
  };
  await one.open({ cursor: lost });
  assert.deepEqual(one.taken, [1, 2]);
  const next = await one.open();
  assert.deepEqual(one.taken, [1, 2, 1, 2]);
  await next.stop();
  const third = await one.open();
  assert.deepEqual(one.taken, [1, 2, 1, 2]);
  await third.stop();
});

test('another log begins from its start; one that lost its end goes on behind what it has', async () => {
  const one = world(3);
  await one.ready;
  one.state.cursor = { log: 'another', sequence: 99 };
  const sender = await one.open();
  assert.deepEqual(one.taken, [1, 2, 3]);
  await sender.stop();
  one.state.cursor = { log: one.audit.id, sequence: 99 };
  const cut = await one.open();
  await one.append(1);
  await one.wait(pollMs);
  assert.deepEqual(one.taken, [1, 2, 3, 4]);
  await cut.stop();
});

test('entries that were forgotten before they were sent are counted', async () => {
  const one = world(3);
  await one.ready;
  const { id, tip } = one.audit;
  async function* read() {
    for await (const entry of one.audit.read({ afterSequence: 2 })) yield entry;
  }
  const sender = await one.open({ audit: () => ({ id, tip, read }) });
  assert.deepEqual([one.taken, sender.counts.missed], [[3], 2]);
  await sender.stop();
});

test('a log that cannot be opened yet is waited for, and stopping waits for no receiver', async () => {
  const one = world(1);
  await one.ready;
  let isOpen = false;
  const sender = await one.open({ audit: () => (isOpen ? one.audit : undefined) });
  assert.deepEqual(one.taken, []);
  isOpen = true;
  await one.wait(pollMs);
  assert.deepEqual(one.taken, [1]);
  one.state.isDown = true;
  await one.append(1);
  await one.wait(pollMs);
  await sender.stop();
  assert.equal(one.state.cursor.sequence, 1);
});

test('a cursor is kept in a file; one that cannot be read is none', async () => {
  const disk = new MemoryDisk();
  const cursor = cursorFile(disk, 'data/audit-senders', 'syslog');
  assert.deepEqual(await cursor.read(), { log: '', sequence: 0 });
  await cursor.write({ log: 'a', sequence: 4 });
  await cursor.write({ log: 'a', sequence: 7 });
  assert.deepEqual(await cursor.read(), { log: 'a', sequence: 7 });
  const file = await disk.open('data/audit-senders/syslog.json', 'write');
  await file.write(0, [Buffer.from('?')]);
  await file.close();
  assert.deepEqual(await cursor.read(), { log: '', sequence: 0 });
});

test('a batch that is too large is halved at once, and grows again with what is taken', async () => {
  const one = world(batchCountMax * 2);
  await one.ready;
  const tried: number[] = [];
  const target = {
    name: 'test',
    async send(_log: string, entries: readonly AuditEntry[]) {
      tried.push(entries.length);
      if (entries.length > 30) throw new BatchTooLarge();
      one.taken.push(...entries.map(({ sequence }) => sequence));
      return { stubs: 0 };
    },
    close: async () => {},
  };
  const sender = await one.open({ target });
  for (let turn = 0; turn < 10; turn++) await turns(40);
  assert.deepEqual(one.taken, range(1, batchCountMax * 2));
  assert.deepEqual(tried.slice(0, 6), [200, 100, 50, 25, 50, 25]);
  assert.ok(tried.length < 40, tried.join());
  assert.equal(sender.counts.failures, 0);
  await sender.stop();
});

test('a receiver that never takes anything is asked with less and less, and never without a pause', async () => {
  const one = world(batchCountMax);
  await one.ready;
  const tried: number[] = [];
  const target = {
    name: 'test',
    async send(_log: string, entries: readonly AuditEntry[]): Promise<{ stubs: number }> {
      tried.push(entries.length);
      throw new BatchTooLarge();
    },
    close: async () => {},
  };
  const sender = await one.open({ target });
  for (let waited = 0; waited < 600_000; waited += 1_000) await one.wait(1_000);
  assert.deepEqual(tried.slice(0, 8), [200, 100, 50, 25, 12, 6, 3, 1]);
  assert.ok(tried.length < 8 + 14, String(tried.length));
  assert.deepEqual([one.state.cursor.sequence, sender.behind], [0, batchCountMax]);
  await sender.stop();
});

test('how many were taken as stubs alone is counted', async () => {
  const one = world(3);
  await one.ready;
  const target = { name: 'test', send: async () => ({ stubs: 2 }), close: async () => {} };
  const sender = await one.open({ target });
  assert.deepEqual([sender.counts.sent, sender.counts.stubs], [3, 2]);
  await sender.stop();
});
