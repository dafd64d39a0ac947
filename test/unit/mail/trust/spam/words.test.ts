/**
 * Aim:    words are those of one pattern over the folded text, whichever way they are found.
 * Method: a reader by pattern alone, written here, beside the real one: on texts of pieces by chance, on each character
 *         by itself, and at the limits.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMixedScript, skeleton } from '../../../../../src/mail/trust/spam/lookalike.ts';
import { eachWord } from '../../../../../src/mail/trust/spam/words.ts';

function wordsOf(text: string, most = 1_000): readonly string[] {
  const words: string[] = [];
  eachWord(text, most, (word) => void words.push(word));
  return words;
}

function byPattern(text: string, most = 1_000): readonly string[] {
  const folded = text.normalize('NFKC').toLowerCase();
  const found = (folded.match(/[\p{L}\p{M}\p{N}$€£%!'’-]+/gu) ?? []).slice(0, most);
  return found.flatMap((word) => {
    if (word.length < 2) return [];
    if (word.length > 32) return ['(long)'];
    if (isMixedScript(word)) return ['(mixed)', skeleton(word)];
    return [word.replace(/\d+/g, '0')];
  });
}

const pieces = [
  ...[
    'a',
    'B',
    'word',
    '12',
    '3',
    "'",
    '-',
    '$',
    '%',
    '!',
    '_',
    '.',
    ' ',
    '\n',
    '\0',
    '<b>',
    'é',
    'É',
  ],
  ...[
    '\u00a0',
    '\u201c',
    '€',
    '£',
    '’',
    'ﬁ',
    '²',
    '٣',
    'слово',
    'а',
    'ο',
    '字',
    '字々',
    '\u0301',
    '\u{1d400}',
  ],
  ...['\u{1f600}', '\ud83d', '\ude00', 'x'.repeat(31), '9'.repeat(33), 'ı', 'İ', 'ß', '\u2028'],
];

test('words are those of the pattern', () => {
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((all) => all.join(''));
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 20 }), (given, most) => {
      assert.deepEqual(wordsOf(given, most), byPattern(given, most));
    }),
    { numRuns: 3_000 },
  );
});

test('each character of the basic plane, alone and within a word', () => {
  for (let code = 0; code < 0x10000; code += 256) {
    const chars = Array.from({ length: 256 }, (_, i) => String.fromCharCode(code + i));
    const text = chars.map((char) => `${char} a${char}b ${char}${char}`).join(' | ');
    assert.deepEqual(wordsOf(text, 10_000), byPattern(text, 10_000), code.toString(16));
  }
});

test('32 characters are a word, one more is a mark', () => {
  for (const letter of ['x', 'é']) {
    assert.deepEqual(wordsOf(letter.repeat(32)), [letter.repeat(32)]);
    assert.deepEqual(wordsOf(letter.repeat(33)), ['(long)']);
  }
});

test('so many words are looked at, short ones among them, and none after who uses them has enough', () => {
  assert.deepEqual(wordsOf('a bb é cc dd', 4), ['bb', 'cc']);
  for (const text of ['aa bb cc', 'éé bb cc']) {
    const used: string[] = [];
    eachWord(text, 10, (word) => used.push(word) === 1);
    assert.deepEqual(used, [text.slice(0, 2)]);
  }
});
