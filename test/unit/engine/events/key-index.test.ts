/** Aim: a footer finds what the index in memory finds. Method: random keys and batches, seeds printed by fast-check. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { footerOffsetsOf, KeyIndex } from '../../../../src/engine/events/key-index.ts';

const hash = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const batches = fc.array(fc.uniqueArray(hash, { maxLength: 60 }), { maxLength: 60 });

describe('a key index', () => {
  it('finds the batches of a key, the last one first, in memory and by its footer', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const index = new KeyIndex();
        const model = new Map<number, number[]>([[7, []]]);
        for (const [number, keys] of all.entries()) {
          const offset = number * 1_000 + 32;
          index.add(Uint32Array.from(keys), keys.length, offset);
          for (const key of keys) model.set(key, [offset, ...(model.get(key) ?? [])]);
        }
        const footerAt = 123;
        const { bytes, entryCount, bucketBits } = index.footer();
        const file = await new MemoryDisk().open('/f', 'create');
        await file.write(footerAt, [bytes]);
        const trailer = { footerAt, entryCount, bucketBits, lastMs: 0 };
        for (const [key, offsets] of model) {
          assert.deepEqual(index.offsetsOf(key), offsets);
          assert.deepEqual(await footerOffsetsOf(file, trailer, key), offsets);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('reads no bucket that a damaged directory makes up', async () => {
    const file = await new MemoryDisk().open('/f', 'create');
    await file.write(0, [Buffer.alloc(64, 0xee)]);
    const trailer = { footerAt: 0, entryCount: 4, bucketBits: 0, lastMs: 0 };
    assert.deepEqual(await footerOffsetsOf(file, trailer, 1), []);
  });
});
