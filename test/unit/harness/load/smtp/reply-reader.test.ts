/**
 * Aim: replies are cut right wherever chunks are (RFC 5321 §4.2.1).
 * Method: a stream of replies, cut at every place.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplyReader } from '../../../../../src/harness/load/smtp/reply-reader.ts';

function read(chunks: readonly string[], stopAfter = Infinity) {
  const reader = new ReplyReader();
  const seen: [number, string][] = [];
  let isOverlong = false;
  for (const chunk of chunks) {
    // What stands behind it in the buffer is of an earlier read.
    reader.push(Buffer.from(`${chunk}250 old\r\n`), chunk.length, {
      onReply: (code, bytes, start, end) => {
        seen.push([code, bytes.toString('latin1', start, end)]);
        if (seen.length >= stopAfter) reader.stop();
      },
      onOverlong: () => {
        isOverlong = true;
      },
    });
  }
  return { seen, isOverlong };
}

const stream =
  '220 hello\r\n250-one\r\n250-two\r\n250 three\r\n354\r\n\r\nabc\r\n25\r\n1x9 y\r\n250 x\n';
const expected = [
  [220, '220 hello\r\n'],
  [250, '250-one\r\n250-two\r\n250 three\r\n'],
  [354, '354\r\n'],
  [0, '\r\n'],
  [0, 'abc\r\n'],
  [0, '25\r\n'],
  [0, '1x9 y\r\n'],
  [250, '250 x\n'],
];

test('replies of one and of many lines are found, cut anywhere', () => {
  assert.deepEqual(read([stream]).seen, expected);
  assert.deepEqual(read([...stream]).seen, expected);
  for (let at = 1; at < stream.length; at++) {
    assert.deepEqual(read([stream.slice(0, at), stream.slice(at)]).seen, expected);
  }
});

test('what follows a reply that ends the plain conversation is forgotten', () => {
  assert.deepEqual(read(['220 go\r\n250 injected\r\n25', '0 real\r\n'], 1).seen, [
    [220, '220 go\r\n'],
    [0, '0 real\r\n'],
  ]);
});

test('a reply without end is told', () => {
  assert.equal(read(['250-'.padEnd(65_000, 'x')]).isOverlong, false);
  assert.equal(read(['250-'.padEnd(65_000, 'x'), 'x'.repeat(1_000)]).isOverlong, true);
});
