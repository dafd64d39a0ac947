/** Aim: what stands among octets is found, in any case. Method: random octets and texts against `indexOf`. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OctetSearch } from '../../../../../src/mail/formats/text/octet-search.ts';

const letters = fc.string({ unit: fc.constantFrom(...'abAB@[`{ -'), minLength: 1, maxLength: 6 });
const octets = fc
  .array(fc.constantFrom(...'abAB@[`{ -', '\xe1', '\xc1', '\xff'), { maxLength: 60 })
  .map((all) => Buffer.from(all.join(''), 'latin1'));

function upper(text: string): string {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

describe('OctetSearch', () => {
  it('finds the first place, within bounds', () => {
    fc.assert(
      fc.property(letters, octets, fc.nat(60), fc.nat(60), (text, bytes, a, b) => {
        const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
        const wanted = upper(bytes.toString('latin1').slice(0, to)).indexOf(upper(text), from);
        assert.equal(new OctetSearch(text).indexIn(bytes, from, to), wanted);
      }),
    );
  });

  it('finds a text longer than what it skips at once', () => {
    const text = `${'a'.repeat(400)}b`;
    const bytes = Buffer.from(`${'a'.repeat(1_000)}b${'A'.repeat(500)}B`);
    assert.equal(new OctetSearch(text).indexIn(bytes, 0, bytes.length), 600);
    assert.equal(new OctetSearch(text).indexIn(bytes, 601, bytes.length), 1_101);
    assert.equal(new OctetSearch(text).indexIn(bytes, 1_102, bytes.length), -1);
  });
});
