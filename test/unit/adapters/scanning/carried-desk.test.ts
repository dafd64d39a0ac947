/** Aim: a conversation is claimed once at most, taken back before that alone, and comes back once, whatever happens. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CarriedDesk, slackMs } from '../../../../src/adapters/scanning/carried-desk.ts';
import { ScanError } from '../../../../src/adapters/scanning/scan-error.ts';
import type { ScanLine } from '../../../../src/adapters/scanning/scan-line.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const known = {
  ...{ isAccepted: false, agreed: [6, 0, 0], isHeloTold: true, isSenderTold: true },
  recipients: [],
};

function world(given: { isAccepted?: boolean; isGone?: boolean; fails?: boolean } = {}) {
  const clock = new SeededClock();
  const desk = new CarriedDesk(clock);
  const { isAccepted = false, isGone = false, fails = false } = given;
  const sent: string[] = [];
  const back: boolean[] = [];
  const line = {
    ...{ isGone, allowUntil() {}, rest() {} },
    async send(parts: readonly Uint8Array[]) {
      if (fails) throw new ScanError('broken', 'as the test says');
      sent.push(Buffer.concat(parts).toString());
      return true;
    },
    readSome: async () => Buffer.from('answer'),
  } as unknown as ScanLine;
  const done = (isGood: boolean) => void back.push(isGood);
  const id = desk.offer({ known: { ...known, isAccepted }, line, done });
  return { clock, desk, id, sent, back };
}

it('is claimed once, spoken by, and comes back', async () => {
  const { desk, id, sent, back } = world();
  assert.ok(desk.claim(id, 100) !== undefined);
  assert.equal(desk.claim(id, 100), undefined);
  assert.equal(desk.withdraw(id), false, 'somebody has it');
  assert.equal(Buffer.from(await desk.exchange(id, Buffer.from('a'), true)).toString(), 'answer');
  assert.equal((await desk.exchange(id, Buffer.from('b'), false)).length, 0);
  await desk.release(id, Buffer.from('c'), true);
  await desk.release(id, Buffer.from('d'), true);
  assert.deepEqual([sent, back, desk.count], [['a', 'b', 'c'], [true], 0]);
  await assert.rejects(desk.exchange(id, Buffer.from('e'), true), { fault: 'timed-out' });
});

it('is nobody’s once it was taken back', () => {
  const { desk, id, back } = world();
  assert.equal(desk.withdraw(id), true);
  assert.equal(desk.claim(id, 100), undefined);
  assert.deepEqual([back, desk.count], [[], 0]);
});

it('comes back from whoever is gone without a word, once his time is over', () => {
  const { clock, desk, id, back } = world();
  desk.claim(id, 100);
  clock.advance(100 + slackMs - 1);
  assert.deepEqual(back, []);
  clock.advance(1);
  assert.deepEqual([back, desk.count], [[false], 0]);
});

it('is not to be had where it ended, and done with where nothing is to be said', () => {
  const gone = world({ isGone: true });
  assert.equal(gone.desk.claim(gone.id, 100), undefined);
  assert.deepEqual([gone.back, gone.desk.count], [[false], 0]);
  const accepted = world({ isAccepted: true });
  assert.equal(accepted.desk.claim(accepted.id, 100)?.isAccepted, true);
  assert.deepEqual([accepted.back, accepted.desk.count], [[true], 0]);
});

it('is ended where the last words cannot be sent', async () => {
  const { desk, id, back } = world({ fails: true });
  desk.claim(id, 100);
  await desk.release(id, Buffer.from('A'), true);
  assert.deepEqual(back, [false]);
});
