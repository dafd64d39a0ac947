/**
 * Aim: a cursor reads what packing wrote, field by field, passes by what nobody wants, and says what it cannot read.
 * Method: random rows, packed and read back with random fields skipped; random bytes.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { packRow } from '../../../../../src/engine/mailbox/rows/packing.ts';
import { RowCursor } from '../../../../../src/engine/mailbox/rows/row-cursor.ts';

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
      const cursor = new RowCursor().open(row);
      for (const [value, isSkipped] of fields) {
        if (isSkipped) cursor.skip();
        else if (typeof value === 'number') assert.equal(cursor.number(), value === 0 ? 0 : value);
        else if (typeof value === 'string') assert.equal(cursor.text(), value.toWellFormed());
        else if (Buffer.isBuffer(value)) assert.deepEqual(Buffer.from(cursor.bytes()), value);
        else assert.equal(cursor.array(), value.length, 'an array tells its length');
        if (Array.isArray(value) && !isSkipped) cursor.skip(value.length);
      }
      assert.ok(!cursor.isLost);
    }),
  );
});

it('reads numbers of every width, and texts as their bytes', () => {
  for (const value of [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    assert.equal(new RowCursor().open(packRow([value])).number(), value);
    assert.equal(new RowCursor().open(packRow([-value])).number(), value === 0 ? 0 : -value);
  }
  const wide = [
    [Buffer.from('91cf0000000100000000', 'hex'), 2 ** 32],
    [Buffer.from('91d3ffffffffffffffff', 'hex'), -1],
    [Buffer.from('91ca3f800000', 'hex'), 1],
  ] as const;
  for (const [row, value] of wide) assert.equal(new RowCursor().open(row).number(), value);
  assert.equal(Buffer.from(new RowCursor().open(packRow(['Zoë'])).bytes()).toString(), 'Zoë');
});

it('passes by texts, and tells where they stood', () => {
  const row = packRow(['some', Buffer.alloc(300, 'x'), 7]);
  const cursor = new RowCursor().open(row);
  for (const expected of ['some', 'x'.repeat(300)]) {
    const length = cursor.passBytes();
    assert.equal(Buffer.from(row.subarray(cursor.at - length, cursor.at)).toString(), expected);
  }
  assert.equal(cursor.number(), 7);
});

it('reports what is none of ours, until it opens another row', () => {
  const cursor = new RowCursor();
  assert.ok(cursor.open(Buffer.from([0xa1, 0x61])).isLost, 'no array');
  cursor.open(packRow(['text'])).number();
  assert.ok(cursor.isLost, 'a text is no number');
  cursor.open(packRow([7])).bytes();
  assert.ok(cursor.isLost, 'a number is no text');
  cursor.open(packRow([7])).skip(2);
  assert.ok(cursor.isLost, 'past the end');
  cursor.open(packRow([new Map()])).skip();
  assert.ok(cursor.isLost, 'a map');
  assert.equal(cursor.open(packRow([7])).number(), 7);
  assert.ok(!cursor.isLost);
});

it('never throws, whatever it is given', () => {
  const read = fc.constantFrom('number', 'text', 'bytes', 'skip', 'array' as const);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(read), (row, reads) => {
      const cursor = new RowCursor().open(row);
      for (const one of reads) cursor[one]();
    }),
  );
});
