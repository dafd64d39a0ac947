/** Aim: what goes out is the message, stuffed and ended, however its parts and the blocks are cut. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BodyReader } from '../../../../src/engine/delivery/body.ts';

function sent(parts: readonly Uint8Array[], isStuffed: boolean, block: number): string {
  const pieces: Uint8Array[] = [];
  const body = new BodyReader(parts, isStuffed);
  while (body.read(pieces, block)) {}
  return Buffer.concat(pieces).toString('latin1');
}

function stuffed(text: string): string {
  return `${text.replace(/(^|\r\n)\./g, '$1..')}${text === '' || text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`;
}

const words = fc.array(fc.constantFrom('.', '\r\n', 'x', '\r\n.', '\r', '\n', 'abc'), {
  maxLength: 200,
});

describe('a body on the wire', () => {
  it('is stuffed and ended alike, whatever the cuts', () => {
    fc.assert(
      fc.property(
        words,
        fc.array(fc.nat(300)),
        fc.integer({ min: 1, max: 50 }),
        (pieces, cuts, block) => {
          const text = pieces.join('');
          const places = [
            0,
            ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b),
            text.length,
          ];
          const parts = places
            .slice(1)
            .map((place, i) => Buffer.from(text.slice(places[i], place)));
          for (const size of [block, 100_000]) {
            assert.equal(sent(parts, true, size), stuffed(text));
            assert.equal(sent(parts, false, size), text);
          }
        },
      ),
    );
  });

  it('is not copied where there is nothing to stuff', () => {
    const part = Buffer.from('A: b\r\n\r\nc\r\n');
    const pieces: Uint8Array[] = [];
    new BodyReader([part], true).read(pieces, 1_000);
    assert.equal(pieces[0], part);
  });

  it('of nothing but dots is one copy a block', () => {
    const pieces: Uint8Array[] = [];
    const text = '.\r\n'.repeat(10_000);
    new BodyReader([Buffer.from(text)], true).read(pieces, 1_000_000);
    assert.equal(pieces.length, 2);
    assert.equal(Buffer.concat(pieces).toString(), stuffed(text));
  });
});

describe('a body that is not in memory', () => {
  const text = `${'one line\r\n.two\r\n'.repeat(50)}the end`;
  const bytes = Buffer.from(text, 'latin1');

  function reader(isStuffed: boolean, length = bytes.length): BodyReader {
    return new BodyReader([], isStuffed, {
      bytes: length,
      read: async (from, count) => bytes.subarray(from, from + count),
    });
  }

  for (const isStuffed of [true, false]) {
    for (const slice of [1, 7, 64, 10_000]) {
      it(`is sent as one in memory is (stuffed ${isStuffed}, slices of ${slice})`, async () => {
        const pieces: Uint8Array[] = [];
        const body = reader(isStuffed);
        do {
          if (body.isStarved) await body.fill(slice);
        } while (body.read(pieces, 50));
        const wanted = isStuffed ? stuffed(text) : text;
        assert.equal(Buffer.concat(pieces).toString('latin1'), wanted);
      });
    }
  }

  it('is never taken for whole when it is shorter than it should be', async () => {
    const body = reader(false, bytes.length + 1);
    const pieces: Uint8Array[] = [];
    await body.fill(bytes.length);
    assert.equal(body.read(pieces, 10_000), true);
    await assert.rejects(body.fill(10));
  });
});
