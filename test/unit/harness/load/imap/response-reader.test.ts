/**
 * Aim: responses are told apart however they are cut up, and nothing in a literal is taken for one.
 * Method: the same bytes in pieces of each size.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseReader } from '../../../../../src/harness/load/imap/response-reader.ts';

function read(text: string, pieceBytes: number): readonly string[] {
  const reader = new ResponseReader();
  const lines: string[] = [];
  const receiver = {
    onResponse: (bytes: Buffer, start: number, end: number) =>
      void lines.push(bytes.toString('latin1', start, end)),
  };
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes), receiver);
  }
  return lines;
}

const literal = 'a1 OK no\r\n* 5 EXISTS\r\n';
const conversation = [
  ['* OK hello {5}\r\n', ''],
  ['* 1 FETCH (BODY[1] {23}\r\n', `${literal}x BODY[2] {0}\r\n FLAGS ())\r\n`],
  ['* 2 FETCH (BODY[] ~{3+}\r\n', '\0\r\n)\r\n'],
  ['+ go on {3}\r\n', ''],
  ['a1 OK done {9}\r\n', ''],
] as const;

test('the first line of each response is given out, however the bytes are cut', () => {
  const text = conversation.map(([first, rest]) => first + rest).join('');
  const expected = conversation.map(([first]) => first);
  for (let bytes = 1; bytes <= text.length; bytes++) assert.deepEqual(read(text, bytes), expected);
});

test('of a long line that comes in pieces the middle is forgotten, its literal is not', () => {
  const long = `* LIST (${'x '.repeat(100_000)}) {5}\r\n`;
  const lines = read(`${long}12\r\n5)\r\na1 OK\r\n`, 1_000);
  assert.equal(lines.length, 2);
  assert.ok(lines[0]!.length < 6_000, `${lines[0]!.length}`);
  assert.match(lines[0]!, /^\* LIST \(x .*\{5\}\r\n$/);
  assert.equal(lines[1], 'a1 OK\r\n');
});

test('after stop nothing of what was read is left', () => {
  const reader = new ResponseReader();
  const lines: string[] = [];
  const receiver = {
    onResponse(bytes: Buffer, start: number, end: number) {
      lines.push(bytes.toString('latin1', start, end));
      if (lines.length === 1) reader.stop();
    },
  };
  reader.push(Buffer.from('a1 OK begin\r\n* BYE injected\r\nhalf'), receiver);
  reader.push(Buffer.from('* OK new\r\n'), receiver);
  assert.deepEqual(lines, ['a1 OK begin\r\n', '* OK new\r\n']);
});
