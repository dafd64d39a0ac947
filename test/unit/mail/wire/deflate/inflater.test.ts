/**
 * Aim: what any DEFLATE compressor (RFC 1951) wrote comes out as it went in, however it was cut; what none could write
 *      is refused.
 * Method: zlib compresses, by every strategy, with flushes; streams are cut at random and spoilt at random; seeds are
 *         printed.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { SeededRandom } from '../../../../../src/harness/seeded-random.ts';
import {
  Inflater,
  pieceBytesMax,
  pieceCodesMax,
} from '../../../../../src/mail/wire/deflate/inflater.ts';
import { DeflateWriter } from '../../../../support/deflate-writer.ts';

const { Z_SYNC_FLUSH } = constants;
const copyBytesMax = 258;

/** All that comes of `octets`, given in chunks of `cut` octets. */
function inflate(inflater: Inflater, octets: Buffer, cut = octets.length): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; at += cut) {
    inflater.give(octets.subarray(at, at + cut));
    for (let piece = inflater.next(); piece !== undefined; piece = inflater.next()) {
      assert.ok(piece.length <= pieceBytesMax + copyBytesMax, `a piece of ${piece.length}`);
      pieces.push(piece);
    }
  }
  return Buffer.concat(pieces);
}

type Below = (count: number) => number;

/** Whole numbers from 0 on, below what is asked for. */
function belowOf(seed: number): Below {
  const random = new SeededRandom(seed);
  return (count) => Math.floor(random.fraction() * count);
}

function flushed(text: Buffer | string, options = {}): Buffer {
  return deflateRawSync(text, { finishFlush: Z_SYNC_FLUSH, ...options });
}

/** Text with repetitions near and far, and noise in it. */
function someText(below: Below, bytes: number): Buffer {
  const text = Buffer.alloc(bytes);
  let at = 0;
  while (at < bytes) {
    const length = 1 + below(400);
    const kind = below(4);
    if (kind === 0 && at > 0) {
      const from = Math.max(0, at - 1 - below(40_000));
      for (let i = 0; i < length && at < bytes; i++) text[at++] = text[from + i]!;
    } else if (kind === 1) {
      for (let i = 0; i < length && at < bytes; i++) text[at++] = below(256);
    } else {
      for (let i = 0; i < length && at < bytes; i++) text[at++] = 97 + below(6 + kind * 9);
    }
  }
  return text;
}

describe('an inflater', () => {
  it('gives back what was compressed by any strategy and level, cut anywhere', () => {
    const seed = 20_261_122;
    const below = belowOf(seed);
    const strategies = [
      constants.Z_DEFAULT_STRATEGY,
      constants.Z_FILTERED,
      constants.Z_HUFFMAN_ONLY,
      constants.Z_RLE,
      constants.Z_FIXED,
    ];
    for (let round = 0; round < 120; round++) {
      const text = someText(below, 1 + below(round % 10 === 0 ? 200_000 : 4_000));
      const level = below(10);
      const strategy = strategies[round % strategies.length]!;
      const windowBits = 9 + below(7);
      const octets = flushed(text, { level, strategy, windowBits, memLevel: 1 + below(9) });
      const cut = 1 + below(below(3) === 0 ? 3 : octets.length);
      const got = inflate(new Inflater(), octets, cut);
      assert.ok(got.equals(text), `seed ${seed}, round ${round}`);
    }
  });

  it('keeps what came as history for what comes, over flushes and rests, up to 32 kB', () => {
    const seed = 4_978;
    const below = belowOf(seed);
    const inflater = new Inflater();
    let history: Buffer = Buffer.alloc(0);
    for (let round = 0; round < 300; round++) {
      const text = someText(below, 1 + below(round < 150 ? 200 : 3_000));
      const dictionary = history.length > 0 ? { dictionary: history } : {};
      const got = inflate(inflater, flushed(text, dictionary), 1 + below(500));
      assert.ok(got.equals(text), `seed ${seed}, round ${round}`);
      history = Buffer.concat([history, text]).subarray(-32_768);
      assert.ok(inflater.isAtRest);
      if (below(3) === 0) inflater.rest();
    }
    assert.ok(inflater.givenBytes > 2 * 32_768);
  });

  it('is not at rest in the midst of anything, and then a rest changes nothing', () => {
    const text = Buffer.from('a1 NOOP\r\n'.repeat(50));
    const octets = flushed(text);
    const inflater = new Inflater();
    const pieces: Buffer[] = [];
    for (const [index] of octets.entries()) {
      pieces.push(inflate(inflater, octets.subarray(index, index + 1)));
      if (index < octets.length - 5) assert.ok(!inflater.isAtRest, `after octet ${index}`);
      inflater.rest();
    }
    assert.ok(Buffer.concat(pieces).equals(text));
    assert.ok(inflater.isAtRest);
  });

  it('has nothing to give before it is given more, in the midst of a stored block too', () => {
    const octets = flushed('stored as it is', { level: 0 });
    const inflater = new Inflater();
    assert.equal(inflater.next(), undefined);
    inflater.give(octets.subarray(0, 9));
    assert.equal(inflater.next()?.toString(), 'stor');
    assert.equal(inflater.next(), undefined);
    assert.equal(inflater.next(), undefined);
    inflater.give(octets.subarray(9));
    assert.equal(inflater.next()?.toString(), 'ed as it is');
  });

  it('gives little at a time of what expands a thousandfold', () => {
    const inflater = new Inflater();
    inflater.give(flushed(Buffer.alloc(8_000_000)));
    let pieces = 0;
    while (inflater.next() !== undefined) pieces++;
    assert.ok(pieces >= 8_000_000 / (pieceBytesMax + copyBytesMax));
    assert.equal(inflater.givenBytes, 8_000_000);
    assert.ok(inflater.takenBytes < 10_000);
  });

  it('reads the longest words of a code with the most bits behind them', () => {
    // Of distances the farthest are the rarest: 15 bits and 13 more.
    const distances = [
      ...Array.from({ length: 14 }, (_, i) => i + 1),
      ...Array(14).fill(0),
      15,
      15,
    ];
    const literals: number[] = Array(258).fill(0);
    const [letter, endOfBlock, copyOfThree] = [97, 256, 257];
    for (const symbol of [letter, letter + 1, endOfBlock, copyOfThree]) literals[symbol] = 2;
    const below = belowOf(28);
    const writer = new DeflateWriter();
    writer.startBlock(literals, distances);
    for (let i = 0; i < 500; i++) {
      if (below(3) > 0) writer.literal(letter);
      writer.literal(copyOfThree);
      writer.distance(28 + below(2), below(8_192), 13);
    }
    writer.literal(endOfBlock);
    const history = flushed(someText(below, 33_000), { level: 0 });
    const octets = Buffer.concat([history, writer.flushed()]);
    const wanted = inflateRawSync(octets, { finishFlush: Z_SYNC_FLUSH });
    for (const cut of [octets.length, 1_000, 7, 1]) {
      assert.ok(inflate(new Inflater(), octets, cut).equals(wanted), `in pieces of ${cut}`);
    }
  });

  it('stops for others after so many codes, of which nothing came', () => {
    const literals: number[] = Array(257).fill(0);
    // zlib takes a code of one word, too.
    literals[256] = 1;
    const writer = new DeflateWriter();
    for (let i = 0; i < 4 * pieceCodesMax; i++) {
      writer.startBlock(literals, [1]);
      writer.literal(256);
    }
    const inflater = new Inflater();
    inflater.give(Buffer.concat([writer.flushed(), flushed('and then this')]));
    const lengths: number[] = [];
    for (let piece = inflater.next(); piece !== undefined; piece = inflater.next()) {
      lengths.push(piece.length);
    }
    assert.deepEqual(lengths, [0, 0, 0, 'and then this'.length]);
    assert.equal(inflater.fault, undefined);
  });

  it('ends at the last block, whatever stands behind it', () => {
    const inflater = new Inflater();
    const got = inflate(inflater, Buffer.concat([deflateRawSync('all'), Buffer.from('behind')]));
    assert.equal(got.toString(), 'all');
    assert.equal(inflater.fault, 'ended');
  });

  it('refuses what reaches back before the beginning', () => {
    const inflater = new Inflater();
    inflate(inflater, flushed('history, history', { dictionary: Buffer.from('of history, his') }));
    assert.equal(inflater.fault, 'bad');
  });

  it('says of spoilt streams what zlib says, and never more than was there', () => {
    const seed = 1_951;
    const below = belowOf(seed);
    let refused = 0;
    for (let round = 0; round < 1_500; round++) {
      const octets = flushed(someText(below, 1 + below(600)), { level: below(10) });
      for (let i = below(4); i >= 0; i--) {
        octets[below(octets.length)] = below(256);
      }
      const inflater = new Inflater();
      const got = inflate(inflater, octets, 1 + below(octets.length));
      let wanted: Buffer | undefined;
      try {
        wanted = inflateRawSync(octets, { finishFlush: Z_SYNC_FLUSH });
      } catch {
        refused++;
      }
      const where = `seed ${seed}, round ${round}: ${octets.toString('hex')}`;
      if (wanted === undefined) assert.equal(inflater.fault, 'bad', where);
      else {
        assert.notEqual(inflater.fault, 'bad', where);
        assert.ok(got.equals(wanted), where);
      }
    }
    assert.ok(refused > 300, `zlib refused ${refused}`);
  });
});
