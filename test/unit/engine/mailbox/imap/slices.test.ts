/** Aim: long work gives way soon while others ask, works on where nobody does, and takes turns with its like. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { asksAreHere, inSlices, Slices } from '../../../../../src/engine/mailbox/imap/slices.ts';
import { SeededClock } from '../../../../support/seeded-clock.ts';

/** How long a slice lasts that begins now. */
async function lengthOf(clock: SeededClock, slices: Slices): Promise<number> {
  await slices.next();
  let ms = 0;
  while (!slices.isOver) {
    clock.advance(0.25);
    ms += 0.25;
  }
  return ms;
}

it('a slice is short while others ask, and long again a while after the last', async () => {
  const clock = new SeededClock();
  clock.advance(1_000);
  const slices = new Slices(clock);
  assert.equal(await lengthOf(clock, slices), 2);
  asksAreHere(clock.monotonicMs());
  assert.equal(await lengthOf(clock, slices), 0.25);
  clock.advance(100);
  assert.equal(await lengthOf(clock, slices), 2);
});

it('one slice runs in a turn of the loop, in the order in which they were asked for', async () => {
  const clock = new SeededClock();
  const order: string[] = [];
  function* work(name: string) {
    for (let i = 0; i < 3; i++) {
      order.push(name);
      clock.advance(3);
      yield;
    }
  }
  let turns = 0;
  const count = () => {
    turns++;
    if (order.length < 6) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(['a', 'b'].map((name) => inSlices(new Slices(clock), work(name))));
  assert.equal(order.join(''), 'ababab');
  assert.ok(turns >= 4, `${turns} turns`);
});
