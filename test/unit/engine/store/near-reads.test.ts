/**
 * Aim: bodies near each other come by one read, each with its own bytes, and what is gone is told as gone.
 * Method: random places in files that are made of their own offsets; the reads are counted.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readNear, readNearNow } from '../../../../src/engine/store/near-reads.ts';
import type { RecordPlace } from '../../../../src/engine/store/record.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

const fileBytes = 4_000_000;

function octetAt(segment: number, offset: number): number {
  return (offset * 31 + segment * 7) & 0xff;
}

function placeAt(segment: number, bodyOffset: number, bodyBytes: number): RecordPlace {
  return {
    sequence: 1,
    segment,
    offset: bodyOffset - 10,
    bytes: bodyBytes + 10,
    bodyOffset,
    bodyBytes,
  };
}

class Files {
  readonly reads: [segment: number, from: number, length: number][] = [];

  readonly read = async (segment: number, from: number, length: number) => {
    this.reads.push([segment, from, length]);
    if (segment === 9) return undefined;
    const end = Math.min(fileBytes, from + length);
    return Uint8Array.from({ length: end - from }, (_, i) => octetAt(segment, from + i));
  };
}

describe('readNear', () => {
  it('gives each place its own bytes, in the order asked', async () => {
    const random = new SeededRandom(3);
    const files = new Files();
    const places = Array.from({ length: 50 }, () =>
      placeAt(1 + random.below(2), 10 + random.below(200_000), 1 + random.below(9_000)),
    );
    const bytesMax = 4_096;
    const found = await readNear(places, bytesMax, files.read);
    for (const [i, { segment, bodyOffset, bodyBytes }] of places.entries()) {
      assert.equal(found[i]?.length, Math.min(bytesMax, bodyBytes));
      assert.equal(found[i]?.[0], octetAt(segment, bodyOffset));
      assert.equal(found[i]?.at(-1), octetAt(segment, bodyOffset + found[i]!.length - 1));
    }
  });

  it('reads once what lies near, and not what lies between far ones', async () => {
    const files = new Files();
    const near = Array.from({ length: 100 }, (_, i) => placeAt(1, 100 + i * 3_000, 2_900));
    await readNear([...near, placeAt(1, 2_000_000, 100), placeAt(2, 500, 100)], 10_000, files.read);
    assert.deepEqual(files.reads, [
      [1, 100, 99 * 3_000 + 2_900],
      [1, 2_000_000, 100],
      [2, 500, 100],
    ]);
  });

  it('reads no more than a mebibyte at once, but for one larger body', async () => {
    const files = new Files();
    const places = Array.from({ length: 30 }, (_, i) => placeAt(1, 10 + i * 100_000, 100_000));
    await readNear([...places, placeAt(2, 10, 3_000_000)], 4_000_000, files.read);
    assert.ok(
      files.reads.filter(([segment]) => segment === 1).every(([, , length]) => length <= 2 ** 20),
    );
    assert.equal(files.reads.length, 4);
  });

  it('tells what is gone', async () => {
    const found = await readNear([placeAt(9, 10, 5), placeAt(1, 10, 5)], 100, new Files().read);
    assert.equal(found[0], undefined);
    assert.equal(found[1]?.length, 5);
    assert.deepEqual(await readNear([], 100, new Files().read), []);
  });
});

describe('readNearNow', () => {
  const readInto = (segment: number, from: number, into: Uint8Array) => {
    for (let i = 0; i < into.length; i++) into[i] = octetAt(segment, from + i);
    return segment !== 9;
  };

  it('gives each place its own bytes, within those it is given', () => {
    const random = new SeededRandom(4);
    const into = new Uint8Array(500_000);
    const places = Array.from({ length: 50 }, () =>
      placeAt(1 + random.below(2), 10 + random.below(150_000), 1 + random.below(9_000)),
    );
    const found = readNearNow(places, 4_096, into, readInto)!;
    for (const [i, { segment, bodyOffset, bodyBytes }] of places.entries()) {
      assert.equal(found[i]?.buffer, into.buffer);
      assert.equal(found[i].length, Math.min(4_096, bodyBytes));
      assert.equal(found[i][0], octetAt(segment, bodyOffset));
      assert.equal(found[i].at(-1), octetAt(segment, bodyOffset + found[i].length - 1));
    }
  });

  it('has nothing where one is gone, or where they take more room', () => {
    const near = [placeAt(1, 10, 100), placeAt(1, 200, 100)];
    assert.equal(readNearNow(near, 100, new Uint8Array(290), readInto)?.length, 2);
    assert.equal(readNearNow(near, 100, new Uint8Array(289), readInto), undefined);
    assert.equal(readNearNow([placeAt(9, 10, 5)], 100, new Uint8Array(10), readInto), undefined);
  });
});
