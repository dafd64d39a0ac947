/**
 * Names that look like others: letters of other scripts, and names a letter or two away from one's own.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     Unicode TS 39 §4 (skeletons) in small: the Cyrillic, Greek and other letters that pass for Latin ones.
 * Limits:    names of `nameCharactersMax`; edit distance up to 2.
 */

import { domainToUnicode } from 'node:url';

const nameCharactersMax = 253;

const pairs =
  'аa еe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ԝw ӏl кk мm тt вb нh αa οo νv ρp τt υu ιi κk ɑa ɡg ııi łl øo 0o 1l';
const latinOf: ReadonlyMap<string, string> = new Map(
  pairs.split(' ').map((pair) => [[...pair][0]!, [...pair].at(-1)!]),
);

/** What a name looks like: accents gone, letters of other scripts as the Latin ones they pass for. */
export function skeleton(name: string): string {
  let out = '';
  for (const char of name.slice(0, nameCharactersMax).toLowerCase().normalize('NFKD')) {
    if (char >= '\u0300' && char <= '\u036f') continue;
    out += latinOf.get(char) ?? char;
  }
  return out.replaceAll('rn', 'm').replaceAll('vv', 'w');
}

const latin = /\p{Script=Latin}/u;
const passing = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

/** Latin letters and such that pass for them in one word. */
export function isMixedScript(word: string): boolean {
  return passing.test(word) && latin.test(word);
}

/** Whether `domain` is none of `own`, but reads like one of them. */
export function looksLike(domain: string, own: readonly string[]): string | undefined {
  const written = domain.slice(0, nameCharactersMax).toLowerCase();
  const shown = written.includes('xn--') ? domainToUnicode(written) || written : written;
  for (const name of own) {
    if (written === name || written.endsWith(`.${name}`)) return undefined;
  }
  const looks = skeleton(shown);
  return own.find((name) => {
    const wanted = skeleton(name);
    if (looks === wanted) return true;
    // Short names are near each other by chance.
    const most = wanted.length < 8 ? 0 : wanted.length < 14 ? 1 : 2;
    return most > 0 && isWithin(looks, wanted, most);
  });
}

/** Edit distance (insert, leave out, replace, swap neighbours) of at most `most`. */
function isWithin(a: string, b: string, most: number): boolean {
  if (Math.abs(a.length - b.length) > most) return false;
  if (a.length > nameCharactersMax || b.length > nameCharactersMax) return false;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length]! <= most;
}
