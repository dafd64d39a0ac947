/**
 * Aim: a finder finds the fields a scan of the whole header finds, with the same values.
 * Method: random headers made of pieces that bite (folds, bare line feeds, blanks before colons, no end), and long
 *      ones, against `HeaderScan`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FieldFinder } from '../../../../../src/mail/formats/headers/field-finder.ts';
import { fieldName, isField } from '../../../../../src/mail/formats/headers/fields.ts';
import { scanHeaders } from '../../../../../src/mail/formats/headers/scan.ts';

const pieces = fc.constantFrom(
  ...[
    'x-a',
    'X-A',
    'x-ab',
    ':',
    ' :',
    '\t: ',
    'value',
    ' ',
    '\t',
    '\r\n',
    '\n',
    '\r',
    '\r\n ',
    '\n\t',
  ],
  ...[
    'x-a: one\r\n',
    'X-A : two\n',
    'y: x-a: no\r\n',
    '\r\n\r\n',
    '\xe9',
    'x-a:\r\n x-a: folded\r\n',
  ],
);

function scanned(bytes: Buffer, name: string): [number, number][] {
  const scan = scanHeaders(bytes);
  const found: [number, number][] = [];
  for (let i = 0; i < scan.count; i++) {
    if (isField(scan, i, fieldName(name))) found.push([scan.valueStart(i), scan.valueEnd(i)]);
  }
  return found;
}

function found(bytes: Buffer, name: string): [number, number][] {
  const finder = new FieldFinder(name).open(bytes);
  const all: [number, number][] = [];
  while (finder.next()) all.push([finder.valueStart, finder.valueEnd]);
  return all;
}

describe('FieldFinder', () => {
  it('finds what a scan finds', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 25 }), (list) => {
        const bytes = Buffer.from(list.join(''), 'latin1');
        assert.deepEqual(found(bytes, 'X-A'), scanned(bytes, 'X-A'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds it in headers that are long, or full of fields', () => {
    const filler = 'y: a line of some length in a header\r\n';
    for (const count of [90, 102, 103, 104, 105, 106, 200, 1_999, 2_000, 2_001]) {
      for (const tail of ['', '\r\n', '\n', '\r\nX-A: body\r\n']) {
        const bytes = Buffer.from(`X-A: 1\r\n${filler.repeat(count)}x-a: 2\r\n${tail}`);
        assert.deepEqual(found(bytes, 'X-A'), scanned(bytes, 'X-A'), `${count} ${tail}`);
        const short = Buffer.from(`${'a\n'.repeat(count)}x-a:2\n${tail}`);
        assert.deepEqual(found(short, 'X-A'), scanned(short, 'X-A'), `${count} ${tail}`);
      }
    }
  });

  it('finds nothing by what is no name', () => {
    const bytes = Buffer.from('x y: 1\r\nx:y: 2\r\n\xe9: 3\r\n\r\n', 'latin1');
    for (const name of ['X Y', 'X:Y', '\xe9', 'X\r\nX']) {
      assert.deepEqual(found(bytes, name), scanned(bytes, name), name);
    }
  });
});
