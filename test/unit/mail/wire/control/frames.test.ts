/** Aim: frames survive any cut of the stream, and what is no frame is refused. Method: cut at every byte; fuzz. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, emptyBytes, utf8 } from '../../../../../src/base/bytes.ts';
import {
  type Frame,
  FrameError,
  FrameReader,
  writeFrame,
} from '../../../../../src/mail/wire/control/frames.ts';

const stream = concat([
  ...writeFrame({ kind: 'item', item: { uid: 1, name: 'ü\n' } }, utf8('body with\nlines')),
  ...writeFrame({ kind: 'item', item: 2 }),
  ...writeFrame({ kind: 'result', result: { count: 2 } }, utf8('x')),
]);

function readAll(pieces: readonly Uint8Array[]) {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (const piece of pieces) frames.push(...reader.push(piece));
  return { frames: frames.map(({ head, body }) => [head, Buffer.from(body).toString()]), reader };
}

const expected = [
  [{ kind: 'item', item: { uid: 1, name: 'ü\n' } }, 'body with\nlines'],
  [{ kind: 'item', item: 2 }, ''],
  [{ kind: 'result', result: { count: 2 } }, 'x'],
];

test('frames come out as they went in, wherever the stream is cut', () => {
  for (let at = 0; at <= stream.length; at++) {
    const { frames, reader } = readAll([stream.subarray(0, at), stream.subarray(at)]);
    assert.deepEqual(frames, expected, `cut at ${at}`);
    assert.equal(reader.isAtRest, true);
  }
});

test('frames come out of single bytes', () => {
  const { frames } = readAll([...stream].map((byte) => Uint8Array.of(byte)));
  assert.deepEqual(frames, expected);
});

test('a stream that ends inside a frame is not at rest', () => {
  for (let at = 1; at < writeFrame({ kind: 'item', item: 2 })[0]!.length; at++) {
    const { frames, reader } = readAll([writeFrame({ kind: 'item', item: 2 })[0]!.subarray(0, at)]);
    assert.equal(frames.length, 0);
    assert.equal(reader.isAtRest, false, `cut at ${at}`);
  }
});

test('what is no frame is refused', () => {
  for (const text of [
    'hello\n',
    '\n',
    'null\n',
    '[]\n',
    '{"kind":"item"}\n',
    '{"kind":"other","bodyBytes":0}\n',
    '{"kind":"item","bodyBytes":-1}\n',
    '{"kind":"item","bodyBytes":1.5}\n',
    '{"kind":"item","bodyBytes":"1"}\n',
    '{"kind":"item","bodyBytes":99999999999}\n',
  ]) {
    assert.throws(() => readAll([utf8(text)]), FrameError, text);
  }
});

test('any bytes either give frames or a FrameError', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (pieces) => {
      try {
        readAll([...pieces, emptyBytes]);
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
    }),
  );
});
