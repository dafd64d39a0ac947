/**
 * Aim: texts compare as RFC 5051 says, character by character: the collation of I18NLEVEL=1 (RFC 5255 §4.3).
 * Method: chosen words; then every code point against what title case may be; random texts against code points.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { casemap, codePointOrder } from '../../../../../src/mail/formats/text/casemap.ts';

describe('casemap', () => {
  it('takes no notice of case and of compatibility forms', () => {
    for (const [a, b] of [
      ['grüße', 'GRÜßE'],
      ['ｆｕｌｌ', 'FULL'],
      ['и\u0306', 'Й'],
      ['①', '1'],
      ['ǆ', 'Ǆ'],
      ['ᾳ', 'ᾼ'],
    ] as const) {
      assert.equal(casemap(a), casemap(b));
    }
  });

  it('keeps what simple title case keeps', () => {
    assert.notEqual(casemap('straße'), casemap('STRASSE'));
    assert.equal(casemap('ა'), 'ა');
    assert.notEqual(casemap('ŉ'), casemap('ʼN'));
  });

  it('maps each character to one before it is decomposed', () => {
    for (let code = 0x80; code < 0x1_ffff; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      const mapped = casemap(character);
      const upper = character.toUpperCase();
      // Where upper case is one character, only digraphs and Georgian may differ from it.
      if ([...upper].length > 1 && !/[\u1f80-\u1fff]/.test(character)) {
        assert.equal(mapped, character.normalize('NFKD'), `U+${code.toString(16)}`);
      }
      assert.equal(casemap(character + character), (mapped + mapped).normalize('NFKD'));
    }
  });
});

describe('codePointOrder', () => {
  it('orders as code points do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (a, b) => {
        const [x, y] = [codePointOrder(a), codePointOrder(b)];
        const order = Buffer.compare(Buffer.from(a), Buffer.from(b));
        assert.equal(x < y ? -1 : x > y ? 1 : 0, order);
      }),
    );
  });
});
