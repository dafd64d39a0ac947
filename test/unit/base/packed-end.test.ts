/**
 * Aim: the end of a packed value is found whatever it holds.
 * Method: random values packed one behind the other, and every width of every kind.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { packedEnd } from '../../../src/base/packed-end.ts';

const packr = new Packr({ useRecords: false });

test('the end of a random value is where the next one begins', () => {
  const values = fc.anything({
    withNullPrototype: false,
    values: [
      fc.integer(),
      fc.double(),
      fc.string({ maxLength: 300 }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
    ],
  });
  fc.assert(
    fc.property(values, values, (first, second) => {
      const one = Buffer.from(packr.pack(first));
      const both = Buffer.concat([one, Buffer.from(packr.pack(second))]);
      assert.equal(packedEnd(both, 0), one.length);
      assert.equal(packedEnd(both, one.length), both.length);
    }),
  );
});

test('every width of length is read', () => {
  for (const count of [0, 31, 32, 255, 256, 65_535, 65_536]) {
    const wide = ['x'.repeat(count), Buffer.alloc(count), Array(count).fill(1), new Date(count)];
    for (const value of wide) {
      const packed = Buffer.from(packr.pack(value));
      assert.equal(packedEnd(Buffer.concat([packed, packed]), 0), packed.length);
    }
  }
  for (const number of [-1, -33, -129, -32_769, -3e9, 128, 256, 65_536, 2 ** 32, 1.5]) {
    const packed = Buffer.from(packr.pack(number));
    assert.equal(packedEnd(Buffer.concat([packed, packed]), 0), packed.length, `${number}`);
  }
});

test('extensions of each kind are passed over', () => {
  const extensions = [
    [0xd4, 1, 0],
    [0xd8, 1, ...Array(16).fill(0)],
    [0xc7, 3, 1, 0, 0, 0],
    [0xc8, 0, 2, 1, 0, 0],
    [0xc9, 0, 0, 0, 1, 1, 0],
    [0xde, 0, 1, 1, 2],
    [0xdf, 0, 0, 0, 1, 1, 2],
    [0xdd, 0, 0, 0, 2, 1, 2],
  ];
  for (const octets of extensions) {
    assert.equal(packedEnd(Uint8Array.from([...octets, 0xc0]), 0), octets.length);
  }
});

test('what is cut off ends at or past its bytes, and costs no more than they are', () => {
  const packed = Buffer.from(packr.pack(['a', { b: [1, 2, 3] }, 'x'.repeat(500)]));
  for (let length = 0; length < packed.length; length++) {
    assert.ok(packedEnd(packed.subarray(0, length), 0) >= length);
  }
  assert.equal(packedEnd(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff), 0), 5);
});
