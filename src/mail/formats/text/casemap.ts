/**
 * The collation i;unicode-casemap: texts that differ only in case or compatibility forms are the same, and their order
 * is that of code points.
 *
 * Runs in:   anywhere; pure; hot; linear.
 * Specs:     RFC 5051 (simple title case, then compatibility decomposition), RFC 5255 §4.3 (what SEARCH, SORT and
 *            THREAD compare by).
 */

import { streamSafe } from '../../../base/normal-forms.ts';

const ascii = /^[\u0000-\u007f]*$/;

/**
 * Characters that JavaScript turns into upper case otherwise than RFC 5051 into title case: those that become several
 * (ß), digraphs (ǆ), and Georgian, whose capitals are no title case.
 */
const irregular = new RegExp(
  `[${[
    '\u00df\u0149\u01c4-\u01cc\u01f0-\u01f3\u0390\u03b0\u0587\u10d0-\u10fa',
    '\u10fd-\u10ff\u1e96-\u1e9a\u1f50\u1f52\u1f54\u1f56\u1f80-\u1faf\u1fb2-\u1fb4',
    '\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc6\u1fc7\u1fcc\u1fd2\u1fd3\u1fd6\u1fd7',
    '\u1fe2-\u1fe4\u1fe6\u1fe7\u1ff2-\u1ff4\u1ff6\u1ff7\u1ffc\ufb00-\ufb06',
    '\ufb13-\ufb17',
  ].join('')}]`,
  'g',
);

/** Simple title case of those among them that have one; the others stay as they are. */
const titles: ReadonlyMap<string, string> = new Map([
  ...['\u01c4', '\u01c5', '\u01c6'].map((digraph) => [digraph, '\u01c5'] as const),
  ...['\u01c7', '\u01c8', '\u01c9'].map((digraph) => [digraph, '\u01c8'] as const),
  ...['\u01ca', '\u01cb', '\u01cc'].map((digraph) => [digraph, '\u01cb'] as const),
  ...['\u01f1', '\u01f2', '\u01f3'].map((digraph) => [digraph, '\u01f2'] as const),
  // Greek with an iota below: eight small ones before their eight capitals, and three alone.
  ...Array.from({ length: 48 }, (_, i) => 0x1f80 + i)
    .filter((code) => (code & 8) === 0)
    .map((code) => [String.fromCharCode(code), String.fromCharCode(code + 8)] as const),
  ...[0x1fb3, 0x1fc3, 0x1ff3].map(
    (code) => [String.fromCharCode(code), String.fromCharCode(code + 9)] as const,
  ),
]);

/** What two texts have in common that are equal in this collation. */
export function casemap(text: string): string {
  if (ascii.test(text)) return text.toUpperCase();
  return streamSafe(titled(text)).normalize('NFKD');
}

function titled(text: string): string {
  irregular.lastIndex = 0;
  if (!irregular.test(text)) return text.toUpperCase();
  irregular.lastIndex = 0;
  let title = '';
  let end = 0;
  for (const match of text.matchAll(irregular)) {
    const [character] = match;
    title += text.slice(end, match.index).toUpperCase() + (titles.get(character) ?? character);
    end = match.index + character.length;
  }
  return title + text.slice(end).toUpperCase();
}

const highUnits = /[\ud800-\uffff]/;
const highUnit = /[\ud800-\uffff]/g;
const surrogateMin = 0xd800;
const surrogateEnd = 0xe000;

/** A text that compares by code units (`<`) as the given one does by code points. Only for comparing. */
export function codePointOrder(text: string): string {
  if (!highUnits.test(text)) return text;
  // Surrogates stand for what is above all other units.
  return text.replace(highUnit, (unit) => {
    const code = unit.charCodeAt(0);
    const isSurrogate = code >= surrogateMin && code < surrogateEnd;
    return String.fromCharCode(isSurrogate ? code + 0x2000 : code - 0x800);
  });
}
