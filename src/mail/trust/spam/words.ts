/**
 * The words of a text as the classifier takes them.
 *
 * Runs in:   engine threads and jobs; pure; linear.
 * Limits:    words of `wordCharactersMax`; longer ones are one mark.
 * Invariant: the same text gives the same words on every machine; a change here wants a new version of model bytes.
 */

import { streamSafe } from '../../../base/normal-forms.ts';
import { isMixedScript, skeleton } from './lookalike.ts';

const wordCharactersMax = 32;

const wordPattern = /[\p{L}\p{M}\p{N}$€£%!'’-]+/gu;
const digits = /\d+/g;
const asciiEnd = 0x80;

const between = 0;
const digit = 2;
/** What each US-ASCII character is: not of a word, of one, or a digit of one. */
const kinds = Uint8Array.from({ length: asciiEnd }, (_, code) => {
  const char = String.fromCharCode(code);
  return char.match(wordPattern) === null ? between : char.match(digits) === null ? 1 : digit;
});

/**
 * Words folded to what they look like; numbers by their shape only. `most` words are looked at, and none after `use`
 * has said `true`.
 */
export function eachWord(text: string, most: number, use: (word: string) => unknown): void {
  const folded = streamSafe(text).normalize('NFKC').toLowerCase();
  const { length } = folded;
  let count = 0;
  let at = 0;
  while (at < length) {
    const start = at;
    let hasDigit = false;
    let code = folded.charCodeAt(at);
    // Most words are US-ASCII: a table is some times faster than the pattern.
    for (; code < asciiEnd && kinds[code] !== between; code = folded.charCodeAt(at)) {
      hasDigit ||= kinds[code] === digit;
      if (++at === length) break;
    }
    if (at < length && code >= asciiEnd) {
      wordPattern.lastIndex = start;
      const match = wordPattern.exec(folded);
      if (match === null || ++count > most) return;
      at = wordPattern.lastIndex;
      if (useOther(match[0], use) === true) return;
      continue;
    }
    if (at === start) {
      at++;
      continue;
    }
    if (++count > most) return;
    const characters = at - start;
    if (characters < 2) continue;
    if (characters > wordCharactersMax) use('(long)');
    else {
      const word = folded.slice(start, at);
      if (use(hasDigit ? word.replace(digits, '0') : word) === true) return;
    }
  }
}

/** A word with letters beyond US-ASCII. */
function useOther(word: string, use: (word: string) => unknown): unknown {
  if (word.length < 2) return false;
  if (word.length > wordCharactersMax) use('(long)');
  else if (isMixedScript(word)) {
    use('(mixed)');
    use(skeleton(word));
  } else return use(word.replace(digits, '0'));
  return false;
}
