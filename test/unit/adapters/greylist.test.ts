/**
 * Aim: the greylist (RFC 6647) never holds more than its bound, no network makes others be forgotten, and what it
 *      holds is there after a restart.
 * Method: random asks against a model without bounds, and a table that outlasts the greylist.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptGreylist } from '../../../src/adapters/lmdb/greylist.ts';
import { openLmdbTable } from '../../../src/adapters/lmdb/shard-index.ts';
import { MemoryGreylist } from '../../../src/adapters/memory/memory-greylist.ts';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { silentLog } from '../../../src/base/log.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../../../src/base/units.ts';
import type { GreylistAnswer } from '../../../src/ports/greylist.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const limits = {
  waitMs: 5 * minuteMs,
  retryMsMax: 2 * dayMs,
  keepMs: 36 * dayMs,
  allowAfterCount: 0,
  entriesMax: 30,
};

const key = (network: number, sender = 0) => ({
  network: `192.0.${network}.0/24`,
  sender: `s${sender}.test`,
  recipient: 'ann@here.test',
});

function words(answer: GreylistAnswer): string {
  return answer.kind === 'wait' ? `wait ${answer.waitMs / secondMs}` : answer.kind;
}

test('it never holds more than its bound, and never lets in who did not wait', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          network: fc.nat(20),
          sender: fc.nat(30),
          passMs: fc.constantFrom(0, 1, minuteMs, 5 * minuteMs, dayMs, 3 * dayMs, 40 * dayMs),
        }),
        { maxLength: 300 },
      ),
      fc.integer({ min: 3, max: 40 }),
      fc.nat(4),
      (asks, entriesMax, allowAfterCount) => {
        const clock = new SeededClock();
        const greylist = new MemoryGreylist({ ...limits, entriesMax, allowAfterCount }, clock);
        const rows = new Set<string>();
        greylist.changed = ({ kind, network, pair, atMs }) => {
          const row = `${kind} ${network} ${pair}`;
          if (atMs === undefined)
            assert.ok(rows.delete(row), 'only what was told of is taken back');
          else rows.add(row);
        };
        const firstAsked = new Map<string, number>();
        const letIn = new Map<string, number>();
        for (const { network, sender, passMs } of asks) {
          clock.advance(passMs);
          const answer = greylist.ask(key(network, sender));
          const name = `${network} ${sender}`;
          const nowMs = clock.nowMs();
          const firstMs = firstAsked.get(name);
          if (answer.kind === 'passed') {
            assert.ok(firstMs !== undefined && nowMs - firstMs >= limits.waitMs);
            letIn.set(String(network), (letIn.get(String(network)) ?? 0) + 1);
          } else if (answer.kind === 'allowed') {
            assert.ok(allowAfterCount > 0 && (letIn.get(String(network)) ?? 0) >= allowAfterCount);
          } else {
            assert.ok(answer.waitMs > 0 && answer.waitMs <= limits.waitMs);
          }
          firstAsked.set(name, firstMs ?? nowMs);
          assert.ok(greylist.count <= entriesMax, `${greylist.count} of ${entriesMax}`);
          assert.equal(rows.size, greylist.count, 'what is kept elsewhere is what is here');
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('who comes again too early waits on, who comes in time is let in, who comes late begins anew', () => {
  const clock = new SeededClock();
  const greylist = new MemoryGreylist(limits, clock);
  const ask = () => words(greylist.ask(key(1)));
  assert.equal(ask(), 'wait 300');
  clock.advance(limits.waitMs - secondMs);
  assert.equal(ask(), 'wait 1');
  clock.advance(secondMs);
  assert.equal(ask(), 'passed');
  assert.equal(words(greylist.ask(key(1, 2))), 'wait 300', 'another sender is another');
  assert.equal(words(greylist.ask(key(2))), 'wait 300', 'another network is another');
  clock.advance(limits.keepMs);
  assert.equal(ask(), 'passed');
  clock.advance(limits.keepMs + 1);
  assert.equal(ask(), 'wait 300');
  clock.advance(limits.retryMsMax + 1);
  assert.equal(ask(), 'wait 300');
});

test('a clock that is set back makes nobody wait longer than the wait', () => {
  const clock = new SeededClock();
  const greylist = new MemoryGreylist(limits, clock);
  greylist.ask(key(1));
  clock.jump(-30 * dayMs);
  assert.equal(words(greylist.ask(key(1))), 'wait 300');
  clock.advance(limits.waitMs);
  assert.equal(words(greylist.ask(key(1))), 'passed');
});

test('a network of which enough was let in is let in, until nothing of it comes for long', () => {
  const clock = new SeededClock();
  const greylist = new MemoryGreylist({ ...limits, allowAfterCount: 2 }, clock);
  for (const sender of [1, 2]) greylist.ask(key(1, sender));
  clock.advance(limits.waitMs);
  assert.equal(words(greylist.ask(key(1, 1))), 'passed');
  assert.equal(words(greylist.ask(key(1, 1))), 'passed', 'again, and it counts once');
  assert.equal(words(greylist.ask(key(1, 3))), 'wait 300');
  assert.equal(words(greylist.ask(key(1, 2))), 'passed');
  assert.equal(words(greylist.ask(key(1, 4))), 'allowed');
  clock.advance(limits.keepMs);
  assert.equal(words(greylist.ask(key(1, 5))), 'allowed');
  clock.advance(limits.keepMs + 1);
  assert.equal(words(greylist.ask(key(1, 6))), 'wait 300');
});

test('a network that floods loses its own entries first', () => {
  const clock = new SeededClock();
  const greylist = new MemoryGreylist(limits, clock);
  for (const network of [1, 2, 3]) greylist.ask(key(network));
  for (let i = 0; i < 1_000; i++) greylist.ask(key(9, i));
  assert.equal(greylist.count, 10, 'a third waits');
  clock.advance(limits.waitMs);
  for (const network of [1, 2, 3]) assert.equal(words(greylist.ask(key(network))), 'passed');
});

test('who takes a new /64 for each mail loses its own entries first', () => {
  const clock = new SeededClock();
  const greylist = new MemoryGreylist(limits, clock);
  const far = { ...key(1), network: '2001:db9:0:1::/64' };
  const turning = (i: number) => ({
    ...key(1),
    network: `2001:db8:${(i >> 4).toString(16)}:${(i & 15).toString(16)}::/64`,
  });
  greylist.ask(key(1));
  greylist.ask(far);
  for (let i = 0; i < 1000; i++) greylist.ask(turning(i));
  assert.ok(greylist.count <= limits.entriesMax);
  clock.advance(limits.waitMs);
  assert.equal(words(greylist.ask(key(1))), 'passed');
  assert.equal(words(greylist.ask(far)), 'passed');
  assert.equal(words(greylist.ask(turning(999))), 'passed');
  assert.equal(words(greylist.ask(turning(1))), 'wait 300');
});

test('where many networks come, the one not heard of for longest goes', () => {
  const clock = new SeededClock();
  const greylist = new MemoryGreylist(limits, clock);
  for (let network = 1; network <= 11; network++) greylist.ask(key(network));
  clock.advance(limits.waitMs);
  assert.equal(words(greylist.ask(key(1))), 'wait 300', 'forgotten');
  assert.equal(words(greylist.ask(key(3))), 'passed');
});

test('it goes on after a restart, and what is over is not there any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-greylist-'));
  const clock = new SeededClock();
  const open = () =>
    new KeptGreylist({
      ...{ limits: { ...limits, allowAfterCount: 1 }, clock, log: silentLog },
      table: openLmdbTable({ path: join(folder, 'greylist') }),
    });
  try {
    let greylist = open();
    greylist.ask(key(1));
    greylist.ask(key(2));
    clock.advance(limits.waitMs);
    assert.equal(words(greylist.ask(key(1))), 'passed');
    await greylist.close();
    greylist = open();
    assert.equal(greylist.count, 3);
    assert.equal(words(greylist.ask(key(1, 7))), 'allowed');
    assert.equal(words(greylist.ask(key(2))), 'passed', 'it waited while the server was down');
    await greylist.close();
    clock.advance(limits.keepMs + hourMs);
    greylist = open();
    assert.equal(greylist.count, 0);
    await greylist.close();
    clock.jump(-limits.keepMs - hourMs);
    greylist = open();
    assert.equal(greylist.count, 0, 'it left the table, too');
    await greylist.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a restart with a smaller bound keeps the newest', async () => {
  const clock = new SeededClock();
  const table = new MemoryIndex();
  const open = (entriesMax: number) =>
    new KeptGreylist({
      ...{ limits: { ...limits, entriesMax }, clock, log: silentLog },
      table: {
        each: (from, to, visit) => table.each(from, to, visit),
        commit: (changes) => table.commit(changes),
        close: async () => {},
      },
    });
  const first = open(30);
  for (let network = 1; network <= 10; network++) {
    first.ask(key(network));
    clock.advance(secondMs);
  }
  await first.close();
  const second = open(6);
  assert.equal(second.count, 2);
  clock.advance(limits.waitMs);
  assert.equal(words(second.ask(key(10))), 'passed');
  assert.equal(words(second.ask(key(9))), 'passed');
});

test('a kill loses what was not written, and nobody is let in by it', async () => {
  const clock = new SeededClock();
  const table = new MemoryIndex();
  const open = () => new KeptGreylist({ limits, table, clock, log: silentLog });
  const first = open();
  first.ask(key(1));
  clock.advance(secondMs);
  await turns(3);
  first.ask(key(2));
  // Nothing of the first is called any more.
  clock.advance(limits.waitMs);
  const second = open();
  assert.equal(words(second.ask(key(1))), 'passed');
  assert.equal(words(second.ask(key(2))), 'wait 300');
});

test('a table that fails costs what it would have kept, and a line in the log', async () => {
  const clock = new SeededClock();
  const lines: string[] = [];
  const log = { ...silentLog, error: (_fields: unknown, text: string) => void lines.push(text) };
  const table = {
    each: () => {},
    commit: () => Promise.reject(new Error('disk full')),
    close: async () => {},
  };
  const greylist = new KeptGreylist({ limits, table, clock, log });
  greylist.ask(key(1));
  clock.advance(secondMs);
  await turns(3);
  assert.deepEqual(lines, ['the greylist is not kept over a restart']);
  clock.advance(limits.waitMs);
  assert.equal(words(greylist.ask(key(1))), 'passed');
  await greylist.close();
});
