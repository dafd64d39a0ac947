/**
 * Aim:    a thread sends no more than it was lent, gives back what it does not need, and asks again the next day.
 * Method: a clock turned by hand and a lender that keeps count.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AllowanceMeta } from '../../../../../src/actors/asks/source-asks.ts';
import { dayMs } from '../../../../../src/base/units.ts';
import {
  Allowances,
  dayOf,
  pairsMax,
  waitingMax,
} from '../../../../../src/engine/delivery/sources/allowances.ts';
import { SeededClock, turns } from '../../../../support/seeded-clock.ts';

function lender(plan: number, block: number) {
  const clock = new SeededClock();
  const rooms: (readonly [string, number])[] = [];
  const asked: AllowanceMeta[] = [];
  const left = new Map<number, number>();
  const allowances = new Allowances({
    clock,
    onRoom(name, count) {
      rooms.push([name, count]);
      return false;
    },
    async ask(meta) {
      asked.push(meta);
      const [, , day, back, wants] = meta;
      const today = dayOf(clock);
      if (back > 0) left.set(day, left.get(day)! + back);
      const count = wants ? Math.min(block, left.get(today) ?? plan) : 0;
      left.set(today, (left.get(today) ?? plan) - count);
      return [count, today];
    },
  });
  return { clock, allowances, asked, rooms, left };
}

/** Takes until nothing is left. */
async function takeAll(world: ReturnType<typeof lender>): Promise<number> {
  const allowance = world.allowances.of('a', 'p');
  let taken = 0;
  while (!allowance.isNone) {
    if (allowance.take()) taken++;
    else await new Promise<void>((known) => allowance.wait(known));
  }
  return taken;
}

describe('an allowance', () => {
  it('is the plan of a day, in blocks, and anew the next day', async () => {
    const world = lender(25, 10);
    assert.equal(await takeAll(world), 25);
    world.clock.advance(dayMs);
    assert.equal(await takeAll(world), 25);
  });

  it('counts a message once that was not sent', async () => {
    const world = lender(10, 10);
    const allowance = world.allowances.of('a', 'p');
    await new Promise<void>((known) => allowance.wait(known));
    assert.equal(allowance.take(), true);
    allowance.giveBack();
    assert.equal(await takeAll(world), 10);
    world.clock.advance(dayMs);
    allowance.giveBack();
    assert.equal(await takeAll(world), 10);
  });

  it('gets nothing back of a day that is over, whatever was asked of the next one before', async () => {
    const world = lender(10, 10);
    const allowance = world.allowances.of('a', 'p');
    await new Promise<void>((known) => allowance.wait(known));
    assert.equal(allowance.take(), true);
    const { counted } = allowance;
    world.clock.advance(dayMs);
    assert.equal(allowance.isNone, false);
    counted.giveBack();
    assert.equal(await takeAll(world), 10);
  });

  it('that nobody uses goes back, and may be had again', async () => {
    const world = lender(10, 10);
    const allowance = world.allowances.of('a', 'p');
    await new Promise<void>((known) => allowance.wait(known));
    allowance.take();
    world.clock.advance(4_000);
    world.allowances.onTick();
    assert.equal(world.left.get(dayOf(world.clock)), 0);
    world.clock.advance(1_000);
    world.allowances.onTick();
    await turns(1);
    assert.equal(world.left.get(dayOf(world.clock)), 9);
    assert.equal(await takeAll(world), 9);
  });

  it('of which nothing is left is asked for again after a while: another thread may have given back', async () => {
    const world = lender(1, 1);
    assert.equal(await takeAll(world), 1);
    world.left.set(dayOf(world.clock), 1);
    assert.equal(await takeAll(world), 0);
    world.clock.advance(10_000);
    assert.equal(await takeAll(world), 1);
  });

  it(`is waited for by ${waitingMax} messages; the others are told of room`, async () => {
    const world = lender(5_000, 5_000);
    const allowance = world.allowances.of('a', 'p');
    let known = 0;
    for (let i = 0; i < waitingMax; i++)
      assert.equal(
        allowance.wait(() => known++),
        true,
      );
    assert.equal(
      allowance.wait(() => known++),
      false,
    );
    await turns(1);
    assert.equal(known, waitingMax);
    assert.deepEqual(world.rooms, [['a p', waitingMax]]);
    assert.equal(world.asked.length, 1);
  });

  it(`is one for all further providers past ${pairsMax} pairs`, () => {
    const { allowances } = lender(1, 1);
    for (let i = 0; i < pairsMax; i++) allowances.of('a', `p${i}`).wait(() => {});
    assert.equal(allowances.of('a', 'p1').provider, 'p1');
    assert.equal(allowances.of('a', 'late').provider, '(others)');
    assert.equal(allowances.of('a', 'later'), allowances.of('a', 'late'));
  });
});
