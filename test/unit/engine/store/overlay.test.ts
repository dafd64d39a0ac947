/**
 * Aim: reads through the overlay equal reads of an index that has everything. Method: random
 * changes, commits at random moments, every read compared with a plain model.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { Overlay } from '../../../../src/engine/store/overlay.ts';
import type { IndexChange } from '../../../../src/ports/shard-index.ts';

type Step =
  | { readonly kind: 'change'; readonly change: IndexChange }
  | { readonly kind: 'take' }
  | { readonly kind: 'commit' }
  | {
      readonly kind: 'range';
      readonly from: number;
      readonly to: number;
      readonly reverse: boolean;
      readonly limit: number;
    };

const key = (number: number) => Uint8Array.of(0x20, number);
const number = fc.nat({ max: 24 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('change' as const), change: anyChange() }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'take' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'commit' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('range' as const),
      from: number,
      to: number,
      reverse: fc.boolean(),
      limit: fc.nat({ max: 8 }),
    }),
  },
);

function anyChange(): fc.Arbitrary<IndexChange> {
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(number, fc.nat(255))
        .map(([at, value]) => ({ put: key(at), value: Uint8Array.of(value) })),
    },
    { weight: 2, arbitrary: number.map((at) => ({ remove: key(at) })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(number, number)
        .map(([a, b]) => ({ removeFrom: key(Math.min(a, b)), to: key(Math.max(a, b)) })),
    },
  );
}

test('reads through the overlay equal reads of an index that has every change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const index = new MemoryIndex();
      const model = new MemoryIndex();
      const overlay = new Overlay(index);
      let taken: readonly IndexChange[] | undefined;
      for (const one of steps) {
        if (one.kind === 'change') {
          overlay.add([one.change]);
          await model.commit([one.change]);
        } else if (one.kind === 'take') {
          taken = overlay.take();
        } else if (one.kind === 'commit') {
          if (taken === undefined) continue;
          await index.commit(taken);
          overlay.committed();
          taken = undefined;
        } else {
          const { reverse, limit } = one;
          const range = { from: key(one.from), to: key(one.to), reverse };
          const wanted = limit === 0 ? range : { ...range, limit };
          assert.deepEqual(plain(overlay.range(wanted)), plain(model.range(wanted)));
        }
        for (let at = 0; at <= 24; at++) assert.deepEqual(overlay.get(key(at)), model.get(key(at)));
      }
    }),
    { numRuns: 300 },
  );
});

function plain(
  entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[],
): string[] {
  return entries.map((entry) => `${entry.key[1]}=${entry.value[0]}`);
}

test('a removal and a put of one key are one change', () => {
  const overlay = new Overlay(new MemoryIndex());
  overlay.add([{ put: key(1), value: key(2) }, { remove: key(1) }, { put: key(1), value: key(3) }]);
  assert.equal(overlay.changeCount, 1);
  overlay.add([{ removeFrom: key(0), to: key(9) }]);
  assert.equal(overlay.changeCount, 1);
  assert.deepEqual(overlay.take(), [{ removeFrom: key(0), to: key(9) }]);
});

class CountingIndex extends MemoryIndex {
  askedCount = 0;

  override get(name: Uint8Array): Uint8Array | undefined {
    this.askedCount++;
    return super.get(name);
  }
}

test('a row the index has not is asked for once, and seen as soon as it is there', async () => {
  const index = new CountingIndex();
  const overlay = new Overlay(index);
  overlay.add([{ put: key(1), value: key(1) }]);
  for (let i = 0; i < 3; i++) assert.equal(overlay.get(key(2)), undefined);
  assert.equal(index.askedCount, 1);
  overlay.add([{ put: key(2), value: key(7) }]);
  assert.deepEqual(overlay.get(key(2)), key(7));
  await index.commit(overlay.take());
  assert.deepEqual(overlay.get(key(2)), key(7));
  overlay.committed();
  overlay.add([{ put: key(3), value: key(3) }]);
  assert.deepEqual(overlay.get(key(2)), key(7));
});

test('a walk sees the index as it is where nothing lies over it', async () => {
  const index = new MemoryIndex();
  await index.commit([{ put: key(1), value: Uint8Array.of(7) }]);
  const overlay = new Overlay(index);
  const seen: number[] = [];
  overlay.each(key(0), key(9), (_key, value) => seen.push(value[0]!) > 0);
  assert.deepEqual(seen, [7]);
});
