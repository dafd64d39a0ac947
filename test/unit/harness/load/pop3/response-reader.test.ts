/**
 * Aim: the end of a POP3 response is found however it is cut up, and only there.
 * Method: the same bytes in pieces of each size.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ResponseReader,
  type Shape,
} from '../../../../../src/harness/load/pop3/response-reader.ts';

function read(text: string, pieceBytes: number, shapes: readonly Shape[]) {
  const reader = new ResponseReader();
  const told: (string | number)[] = [];
  const left = [...shapes];
  const receiver = {
    onStatus(bytes: Buffer, start: number, end: number): Shape {
      told.push(bytes.toString('latin1', start, end));
      return left.shift() ?? 'line';
    },
    onEnd: (lines: number) => void told.push(lines),
    onOverlong: () => void told.push('overlong'),
  };
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes), receiver);
  }
  return told;
}

test('bodies end with a dot alone on a line, however the bytes are cut', () => {
  const bodies = ['', 'a\r\n', '..\r\n', '\r\n\r\n', '.a\r\nb\r\n', 'x.\r\n.\ry\r\n'];
  const text = bodies.map((body) => `+OK\r\n${body}.\r\n`).join('');
  const expected = [0, 1, 1, 2, 2, 2].flatMap((lines) => ['+OK\r\n', lines]);
  for (let bytes = 1; bytes <= text.length; bytes++) {
    const shapes = bodies.map(() => 'list' as const);
    assert.deepEqual(read(`${text}-ERR\r\n`, bytes, shapes), [...expected, '-ERR\r\n']);
  }
});

test('a status line that never ends is told', () => {
  assert.deepEqual(read('x'.repeat(5_000), 4_999, []), ['overlong']);
});
