/** Aim: nobody takes all the leases of a shard by leaving answers unread, and who reads on in time keeps its own. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mebibyte } from '../../../../../src/base/units.ts';
import {
  type LeasedMessage,
  Leases,
  leaseMsMax,
  readerLeasesMax,
} from '../../../../../src/engine/mailbox/imap/leases.ts';
import { SeededClock } from '../../../../support/seeded-clock.ts';

class World {
  held = 0;
  readonly clock = new SeededClock();
  readonly leases = new Leases({ lease: () => this.#hold() }, this.clock);

  take(reader: number, madeBytes = 0): number {
    const row = { place: { segment: 1 } } as unknown as LeasedMessage['row'];
    const made = madeBytes === 0 ? {} : { made: new Uint8Array(madeBytes) };
    return this.leases.take({ row, parts: [], ...made }, reader);
  }

  has(number: number): boolean {
    try {
      return this.leases.use(number) !== undefined;
    } catch {
      return false;
    }
  }

  #hold() {
    this.held++;
    return { release: () => void this.held-- };
  }
}

it('of one reader the oldest end for its newest; those of others stay', () => {
  const world = new World();
  const other = world.take(2);
  const own = Array.from({ length: readerLeasesMax }, () => world.take(1));
  assert.equal(world.leases.count, readerLeasesMax + 1);
  assert.ok(world.has(own[0]!), 'it is read on: the next is the oldest now');
  for (let i = 0; i < 2_000; i++) world.take(1);
  assert.equal(world.leases.count, readerLeasesMax + 1);
  assert.equal(world.held, readerLeasesMax + 1);
  assert.ok(world.has(other));
  assert.equal(
    own.some((number) => world.has(number)),
    false,
  );
});

it('what was decoded for one reader is at most half of all, but for one message', () => {
  const world = new World();
  const plain = world.take(1);
  const large = world.take(1, 40 * mebibyte);
  assert.ok(world.has(large), 'one is taken, whatever its size');
  const next = world.take(1, 20 * mebibyte);
  assert.deepEqual([world.has(large), world.has(next), world.has(plain)], [false, true, true]);
  const others = [world.take(2, 30 * mebibyte)];
  assert.ok(others.every((number) => world.has(number)));
  assert.throws(() => world.take(3, 20 * mebibyte), { code: 'store-busy' });
});

it('one that nobody came back for ends', () => {
  const world = new World();
  const first = world.take(1);
  world.clock.advance(leaseMsMax + 1);
  world.take(2);
  assert.deepEqual([world.has(first), world.held], [false, 1]);
});
