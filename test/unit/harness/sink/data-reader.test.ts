/**
 * Aim: the end of DATA is found wherever chunks are cut, and dots come off as they went on.
 * Method: every cut of a few messages; random bodies against a slow, plain model.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { DataReader, unstuff } from '../../../../src/harness/sink/data-reader.ts';

/** Feeds `wire` cut at `cuts`; answers the message and what followed it. */
function read(wire: Buffer, cuts: readonly number[]): { message: string; rest: string } {
  const reader = new DataReader(1_000_000);
  const bounds = [0, ...cuts, wire.length];
  for (let i = 1; i < bounds.length; i++) {
    const rest = reader.take(Buffer.from(wire.subarray(bounds[i - 1], bounds[i])));
    if (rest === undefined) continue;
    const message = unstuff(reader.parts()).toString('latin1');
    return { message, rest: rest.toString('latin1') + wire.toString('latin1', bounds[i]) };
  }
  throw new Error('no end found');
}

test('every way to cut a message in three finds its end and keeps what follows', () => {
  for (const body of ['', 'a\r\n', '\r\n', '..\r\n', 'x\r\n..y\r\n\r\n..\r\nz\r\n']) {
    const wire = Buffer.from(`${body}.\r\nQUIT\r\n`, 'latin1');
    const expected = body.replaceAll(/^\./gm, '');
    for (let first = 0; first <= wire.length; first++) {
      for (let second = first; second <= wire.length; second++) {
        const { message, rest } = read(wire, [first, second]);
        assert.equal(message, expected, `cut at ${first}, ${second}`);
        assert.equal(rest, 'QUIT\r\n');
      }
    }
  }
});

test('random bodies of dots and line ends come back byte for byte', () => {
  const seed = Date.now() & 0xffff;
  const random = new SeededRandom(seed);
  const pieces = ['.', '..', '\r\n', 'a', '\r', '\n', 'long line'];
  for (let i = 0; i < 2_000; i++) {
    let body = '';
    const length = Math.floor(random.fraction() * 12);
    for (let k = 0; k < length; k++) {
      body += pieces[Math.floor(random.fraction() * pieces.length)]!;
    }
    body += '\r\n';
    const stuffed = body
      .split('\r\n')
      .map((line) => (line.startsWith('.') ? `.${line}` : line))
      .join('\r\n');
    const wire = Buffer.from(`${stuffed}.\r\n`, 'latin1');
    const cut = Math.floor(random.fraction() * wire.length);
    assert.equal(read(wire, [cut]).message, body, `seed ${seed}`);
  }
});

test('a message past the bound is read to its end but not kept', () => {
  const reader = new DataReader(10);
  assert.equal(reader.take(Buffer.alloc(100, 'x')), undefined);
  assert.equal(reader.take(Buffer.from('\r\n.\r\nNOOP\r\n'))?.toString(), 'NOOP\r\n');
  assert.equal(reader.isTooLarge, true);
});
