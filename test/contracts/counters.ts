/**
 * The contract of shared counters, run against each.
 *
 * Aim:    counts add up within their window, each key by itself, and what is kept is bounded.
 * Method: a clock turned by hand, through the port alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Counters } from '../../src/ports/counters.ts';

export interface CountersWorld {
  readonly counters: Counters;
  readonly keysMax: number;
  advance(ms: number): void;
}

export function countersContract(name: string, made: () => CountersWorld): void {
  describe(`counters in ${name}`, () => {
    it('count each key by itself, themselves among them', async () => {
      const { counters } = made();
      assert.equal((await counters.add('a', 1_000)).count, 1);
      assert.equal((await counters.add('a', 1_000)).count, 2);
      assert.equal((await counters.add('b', 1_000)).count, 1);
    });

    it('start anew when the window of the first is over, however late the others came', async () => {
      const { counters, advance } = made();
      await counters.add('a', 1_000);
      advance(999);
      assert.equal((await counters.add('a', 1_000)).count, 2);
      advance(1);
      assert.equal((await counters.add('a', 1_000)).count, 1);
    });

    it('count several at once, and tell when the window is over', async () => {
      const { counters, advance } = made();
      assert.deepEqual(await counters.add('a', 1_000, 3), { count: 3, endsInMs: 1_000 });
      advance(400);
      assert.deepEqual(await counters.add('a', 1_000, 2), { count: 5, endsInMs: 600 });
    });

    it('are looked at without counting', async () => {
      const { counters, advance } = made();
      assert.equal(await counters.look('a'), undefined);
      await counters.add('a', 1_000, 2);
      advance(999);
      assert.deepEqual(await counters.look('a'), { count: 2, endsInMs: 1 });
      assert.deepEqual(await counters.look('a'), { count: 2, endsInMs: 1 });
      advance(1);
      assert.equal(await counters.look('a'), undefined);
    });

    it('forget a key that is cleared, and take no offence at one that is not there', async () => {
      const { counters } = made();
      await counters.add('a', 1_000);
      await counters.clear('a');
      await counters.clear('b');
      assert.equal((await counters.add('a', 1_000)).count, 1);
    });

    it('keep so many keys: the least recently counted goes first', async () => {
      const { counters, keysMax } = made();
      for (let i = 0; i < keysMax; i++) await counters.add(`k${i}`, 1_000);
      assert.equal((await counters.add('k0', 1_000)).count, 2);
      await counters.add('one more', 1_000);
      assert.equal((await counters.add('k0', 1_000)).count, 3);
      assert.equal((await counters.add('k1', 1_000)).count, 1);
    });
  });
}
