/**
 * Aim: a scan reads what packing wrote, field by field, and passes by what nobody wants.
 * Method: random rows, packed and read back with random fields skipped.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { PackedScan } from '../../../../../src/engine/mailbox/rows/packed-scan.ts';
import { packRow } from '../../../../../src/engine/mailbox/rows/packing.ts';

const number = fc.oneof(
  fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
  fc.maxSafeNat(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 300, maxLength: 400 }));
const binary = fc.uint8Array({ maxLength: 70_000 / 100 }).map((bytes) => Buffer.from(bytes));
const field = fc.oneof(number, text, binary, fc.array(fc.oneof(number, text), { maxLength: 20 }));

it('reads the fields of any row, and skips them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(field, fc.boolean()), { maxLength: 20 }), (fields) => {
      const row = packRow(fields.map(([value]) => value));
      const scan = new PackedScan().open(row);
      for (const [value, isSkipped] of fields) {
        if (isSkipped) scan.skip();
        else if (typeof value === 'number') assert.equal(scan.number(), value === 0 ? 0 : value);
        else if (typeof value === 'string') assert.equal(scan.text(), value.toWellFormed());
        else if (Buffer.isBuffer(value)) assert.deepEqual(Buffer.from(scan.binary()), value);
        else assert.equal(scan.array(), value.length, 'an array tells its length');
        if (Array.isArray(value) && !isSkipped) scan.skip(value.length);
      }
    }),
  );
});

it('is a bug where a row is none of ours', () => {
  assert.throws(() => new PackedScan().open(Buffer.from([0xa1, 0x61])), { name: 'AssertionError' });
  const scan = new PackedScan().open(packRow(['text']));
  assert.throws(() => scan.number(), { name: 'AssertionError' });
});
