/** The board of marks: they end by themselves, replace each other, are told to all, and are bounded. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyTenant, type Mark, type MarksSnapshot } from '../../../src/actors/asks/shaping-asks.ts';
import { type LearnedPath, learnedMsMax, ShapingBoard } from '../../../src/actors/shaping-board.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

function boardOf() {
  const clock = new SeededClock();
  const told: MarksSnapshot[] = [];
  const kept: (readonly Mark[])[] = [];
  const learned: (readonly LearnedPath[])[] = [];
  const board = new ShapingBoard({
    clock,
    tell: async (snapshot) => {
      told.push(snapshot);
    },
    keep: (marks) => kept.push(marks),
    keepLearned: (paths) => learned.push(paths),
  });
  const mark = (id: string, ms: number): Mark => ({
    ...{ id, kind: 'suspend', path: 'mx:a.example', match: {}, tenant: anyTenant },
    ...{ by: 'rule', why: '', sinceMs: clock.nowMs(), untilMs: clock.nowMs() + ms },
  });
  return { clock, told, kept, learned, board, mark };
}

test('marks end at their time, and a shorter one does not end a longer', () => {
  const { clock, board, mark } = boardOf();
  board.note({ marks: [mark('a', 10_000), mark('b', 5_000)], held: [] });
  board.note({ marks: [mark('a', 1_000)], held: [] });
  assert.deepEqual(
    board.marks.map(({ id }) => id),
    ['b', 'a'],
  );
  clock.advance(5_000);
  assert.deepEqual(
    board.marks.map(({ id }) => id),
    ['a'],
  );
  clock.advance(5_000);
  assert.deepEqual(board.marks, []);
});

test('changes are told joined, and what is held back goes along once', async () => {
  const { clock, board, mark, told, kept } = boardOf();
  board.note({ marks: [mark('a', 10_000)], held: [['mx:a', 4, 8]] });
  board.note({ marks: [], held: [['mx:b', 2, 4]] });
  assert.equal(told.length, 0);
  clock.advance(50);
  await null;
  assert.equal(told.length, 1);
  assert.deepEqual(told[0]!.held, [
    ['mx:a', 4, 8],
    ['mx:b', 2, 4],
  ]);
  assert.equal(kept.length, 1);
  board.note({ marks: [], held: [['mx:a', 0, 0]] });
  assert.deepEqual(board.whole().held, [['mx:b', 2, 4]]);
});

test('operators’ marks have ids that go on after a restart, and end by them', () => {
  const { clock, board, mark } = boardOf();
  board.restore([{ ...mark('op-7', 10_000), by: 'operator' }]);
  const given = { match: {}, tenant: 1, why: '', sinceMs: clock.nowMs() };
  const made = board.suspend({ ...given, untilMs: clock.nowMs() + 1_000 });
  assert.equal(made.id, 'op-8');
  assert.deepEqual(
    board.end(({ id }) => id === 'op-7').map(({ id }) => id),
    ['op-7'],
  );
  assert.deepEqual(
    board.marks.map(({ id }) => id),
    ['op-8'],
  );
});

test('marks are bounded: those that end first go', () => {
  const { board, mark } = boardOf();
  const marks = Array.from({ length: 10_000 }, (_, i) => mark(`m${i}`, 100_000 + i));
  board.restore(marks);
  board.note({ marks: [mark('last', 500_000)], held: [] });
  assert.equal(board.marks.length, 10_000);
  assert.ok(!board.marks.some(({ id }) => id === 'm0'));
  assert.ok(board.marks.some(({ id }) => id === 'last'));
});

test('what comes while threads are being told is told behind it, without other news', async () => {
  const clock = new SeededClock();
  const told: MarksSnapshot[] = [];
  const ends: (() => void)[] = [];
  const board = new ShapingBoard({
    clock,
    tell: async (snapshot) => {
      told.push(snapshot);
      await new Promise<void>((resolve) => ends.push(resolve));
    },
    keep: () => {},
    keepLearned: () => {},
  });
  const given = { match: {}, tenant: 1, why: '', sinceMs: clock.nowMs() };
  board.suspend({ ...given, untilMs: clock.nowMs() + 60_000 });
  clock.advance(50);
  board.suspend({ ...given, untilMs: clock.nowMs() + 60_000 });
  clock.advance(5_000);
  assert.equal(told.length, 1);
  ends.shift()!();
  await turns(5);
  clock.advance(1_000);
  assert.deepEqual(
    told.map(({ marks }) => marks.length),
    [1, 2],
  );
});

test('marks of rules go before those of operators, however soon these end', () => {
  const { clock, board, mark } = boardOf();
  const given = { match: {}, tenant: 1, why: '', sinceMs: clock.nowMs() };
  const { id } = board.suspend({ ...given, untilMs: clock.nowMs() + 1_000 });
  const marks = Array.from({ length: 10_001 }, (_, i) => mark(`m${i}`, 100_000 + i));
  board.note({ marks, held: [] });
  assert.equal(board.marks.length, 10_000);
  assert.equal(board.marks[0]!.id, id);
});

test('marks are kept with those first that are to go last', () => {
  const { board, mark, kept, clock } = boardOf();
  board.note({ marks: [mark('soon', 1_000), mark('late', 9_000)], held: [] });
  const given = { match: {}, tenant: 1, why: '', sinceMs: clock.nowMs() };
  const { id } = board.suspend({ ...given, untilMs: clock.nowMs() + 500 });
  assert.deepEqual(
    kept.at(-1)!.map((one) => one.id),
    [id, 'late', 'soon'],
  );
});

test('what was learned is kept now and then, and when the board closes', () => {
  const { clock, board, learned } = boardOf();
  for (let i = 0; i < 10; i++) board.note({ marks: [], held: [['mx:a', 10 - i, 12]] });
  board.note({ marks: [], held: [['mx:b', 3, 6]] });
  board.note({ marks: [], held: [['mx:b', 0, 6]] });
  assert.equal(learned.length, 0);
  clock.advance(5_000);
  const atMs = clock.nowMs() - 5_000;
  assert.deepEqual(learned, [[['mx:a', 1, 12, atMs]]]);
  clock.advance(60_000);
  assert.equal(learned.length, 1);
  board.note({ marks: [], held: [['mx:c', 2, 4]] });
  board.close();
  assert.deepEqual(
    learned[1]!.map(([path]) => path),
    ['mx:c', 'mx:a'],
  );
  assert.equal(clock.timerCount, 0);
});

test('a new process has what was learned of late, and forgets the rest', () => {
  const { clock, board } = boardOf();
  const nowMs = clock.nowMs();
  board.restore(
    [],
    [
      ['mx:a', 2, 4, nowMs - learnedMsMax + 1],
      ['mx:b', 2, 4, nowMs - learnedMsMax],
      ['mx:c', 2, 4, nowMs + 2 * learnedMsMax],
    ],
  );
  assert.deepEqual(board.whole().held, [['mx:a', 2, 4]]);
});
