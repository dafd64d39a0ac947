/**
 * Aim:    fields are found where they are (RFC 5322 §2.2).
 * Method: small headers, read back by offset; limits at their edge.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editHeader } from '../../../../../src/mail/formats/headers/edit.ts';
import {
  fieldName,
  findField,
  isField,
  nameOf,
  rawField,
} from '../../../../../src/mail/formats/headers/fields.ts';
import { HeaderScan, scanHeaders } from '../../../../../src/mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../../../src/mail/formats/headers/unfold.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const text = (piece: Uint8Array) => Buffer.from(piece).toString('latin1');

/** `name=value` of each field. */
function fields(header: string): string[] {
  const scan = scanHeaders(bytes(header));
  return Array.from(
    { length: scan.count },
    (_, i) => `${nameOf(scan, i)}=${unfoldedValue(scan, i)}`,
  );
}

test('plain fields', () => {
  assert.deepEqual(fields('A: 1\r\nB:2\r\n\r\nC: 3\r\n'), ['A=1', 'B=2']);
});

test('folds belong to their field, and white space alone is a fold', () => {
  assert.deepEqual(fields('A: 1\r\n 2\r\n\t3\r\n \r\n 4\r\nB: 5\r\n\r\n'), ['A=1 2\t3  4', 'B=5']);
});

test('white space may stand before the colon', () => {
  assert.deepEqual(fields('A : 1\r\nB\t :2\r\n\r\n'), ['A=1', 'B=2']);
});

// RFC 5322 §2.2: names are printable US-ASCII, and RFC 6532 §3.2 does not widen that.
test('a name holds no byte outside ASCII and no control', () => {
  const scan = scanHeaders(bytes('Aé: 1\r\nA\x7f: 2\r\nA\x01: 3\r\nB: 4\r\n\r\n'));
  const names = Array.from({ length: scan.count }, (_, field) => nameOf(scan, field));
  assert.deepEqual(names, ['', '', '', 'B']);
});

test('only an empty line ends the header', () => {
  const scan = scanHeaders(bytes('A: 1\r\nno field\r\nB: 2\r\n\r\nbody'));
  assert.deepEqual([scan.count, nameOf(scan, 1), nameOf(scan, 2)], [3, '', 'B']);
  assert.equal(scan.bodyStart - scan.headerEnd, 2);
});

test('bare line feeds end lines too', () => {
  const scan = scanHeaders(bytes('A: 1\n 2\nB: 3\n\nbody'));
  assert.equal(scan.count, 2);
  assert.equal(scan.bodyStart - scan.headerEnd, 1);
  assert.equal(text(scan.bytes.subarray(scan.valueStart(0), scan.valueEnd(0))), ' 1\n 2');
});

test('a bare carriage return ends nothing', () => {
  assert.deepEqual(fields('A: 1\rB: 2\r\n\r\n'), ['A=1 B: 2']);
});

test('a header without an end reaches to the end of the bytes', () => {
  for (const header of ['A: 1', 'A: 1\r\n', 'A: 1\r', 'A: 1\r\n ']) {
    const scan = scanHeaders(bytes(header));
    assert.equal(scan.count, 1);
    assert.equal(scan.headerEnd, header.length);
    assert.equal(scan.bodyStart, header.length);
  }
});

test('names match in any case and whole', () => {
  const scan = scanHeaders(bytes('mEsSaGe-Id: 1\r\nMessage-IdX: 2\r\nMessage: 3\r\n\r\n'));
  const name = fieldName('Message-ID');
  assert.ok(isField(scan, 0, name));
  assert.equal(findField(scan, name), 0);
  assert.equal(findField(scan, name, 1), -1);
});

test('bytes that differ from letters by one bit are no letters', () => {
  // 0x0d | 0x20 is a hyphen, 0x5b | 0x20 an opening brace: only letters may be folded.
  const scan = scanHeaders(bytes('A[: 1\r\nA{: 2\r\n\r\n'));
  assert.equal(findField(scan, fieldName('a{')), 1);
});

test('a range inside the bytes is scanned by itself', () => {
  const scan = new HeaderScan();
  const whole = bytes('X: 0\r\n\r\nA: 1\r\n\r\nbody');
  assert.ok(scan.scan(whole, undefined, 8, whole.length));
  assert.deepEqual([scan.count, nameOf(scan, 0), scan.headerStart], [1, 'A', 8]);
  assert.equal(text(whole.subarray(scan.bodyStart)), 'body');
  assert.ok(scan.scan(whole, undefined, 8, 11));
  assert.equal(scan.bodyStart, 11);
});

test('a scan that is used again holds nothing of the last', () => {
  const scan = new HeaderScan();
  scan.scan(bytes('A: 1\r\n'.repeat(100)));
  scan.scan(bytes('B: 1\r\n\r\n'));
  assert.deepEqual([scan.count, nameOf(scan, 0)], [1, 'B']);
});

test('limits are met exactly at their bound', () => {
  const limits = { headerBytesMax: 40, fieldsMax: 3, lineBytesMax: 20 };
  const fault = (header: string) => {
    const scan = new HeaderScan();
    return scan.scan(bytes(header), limits) ? undefined : scan.fault;
  };
  const line = (length: number) => `A: ${'x'.repeat(length - 3)}\r\n`;
  assert.equal(fault(`${line(20)}\r\n`), undefined);
  assert.equal(fault(`${line(21)}\r\n`), 'line-too-long');
  assert.equal(fault(`A: 1\r\n ${'x'.repeat(20)}\r\n\r\n`), 'line-too-long');
  assert.equal(fault(`${line(5).repeat(3)}\r\n`), undefined);
  assert.equal(fault(`${line(5).repeat(4)}\r\n`), 'fields-too-many');
  assert.equal(fault(`${line(18)}${line(18)}\r\n${'body'.repeat(99)}`), undefined);
  assert.equal(fault(`${line(18)}${line(19)}\r\n${'body'.repeat(99)}`), 'header-too-large');
  assert.equal(fault(`${line(18)}${line(18)}A`), 'header-too-large');
});

test('removing and adding fields leaves views of everything else', () => {
  const message = bytes('A: 1\r\nB: 2\r\n 3\r\nC: 4\r\n\r\nbody');
  const scan = scanHeaders(message);
  const edited = (removed: number[], added: string[] = []) => {
    const parts = editHeader(scan, removed, added.map(bytes));
    return Buffer.concat(parts).toString();
  };
  assert.equal(edited([]), message.toString());
  assert.equal(edited([0]), 'B: 2\r\n 3\r\nC: 4\r\n\r\nbody');
  assert.equal(edited([1]), 'A: 1\r\nC: 4\r\n\r\nbody');
  assert.equal(edited([0, 1, 2]), '\r\nbody');
  assert.equal(edited([2], ['D: 5\r\n']), 'A: 1\r\nB: 2\r\n 3\r\nD: 5\r\n\r\nbody');
  assert.equal(text(rawField(scan, 1)), 'B: 2\r\n 3\r\n');
  for (const part of editHeader(scan, [1])) assert.equal(part.buffer, message.buffer);
});
