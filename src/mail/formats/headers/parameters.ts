/**
 * Fields of the form `value; name=value; …`: Content-Type, Content-Disposition and their like.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 2045 §5.1 (syntax), RFC 2231 §3 and §4 (continuations, charsets).
 * Limits:    `parametersMax` parameters, the rest is left unread; words in values of up to `decodedLengthMax`
 *            characters are decoded.
 * Invariant: never throws; linear time.
 */

import { decodeCharset } from './charset.ts';
import { decodeWords, unescaped } from './words.ts';

const parametersMax = 200;
/** Longer values are no file names: they are not decoded. */
const decodedLengthMax = 4_096;
const percentSign = 37;

export interface Parameter {
  /** In lower case, with the stars of RFC 2231. */
  readonly name: string;
  /** As written, quotes and backslashes removed. */
  readonly value: string;
}

export interface Parameterised {
  /** What stands before the first semicolon, comments removed, case kept. */
  readonly value: string;
  readonly parameters: readonly Parameter[];
}

/** `text` is unfolded. */
export function parseParameterised(text: string): Parameterised {
  const cursor = new Cursor(text);
  const value = cursor.plain(';');
  const parameters: Parameter[] = [];
  while (cursor.take(';') && parameters.length < parametersMax) {
    const name = cursor.plain(';=').toLowerCase();
    if (cursor.take('=')) {
      const parameter = { name, value: cursor.value() };
      if (name !== '') parameters.push(parameter);
    }
  }
  return { value, parameters };
}

/** A parameter's value as text: continuations joined, charsets and (though RFC 2047 §5 forbids it) words decoded. */
export function parameter(parameters: readonly Parameter[], name: string): string | undefined {
  const extended = parameters.find((entry) => entry.name === `${name}*`);
  if (extended !== undefined) return decodeExtended([{ text: extended.value, isEncoded: true }]);
  const pieces: { text: string; isEncoded: boolean }[] = [];
  // RFC 2231 §3: numbered from 0 without gaps, in any order.
  for (let i = 0; i < parametersMax; i++) {
    const piece = parameters.find(
      (entry) => entry.name === `${name}*${i}` || entry.name === `${name}*${i}*`,
    );
    if (piece === undefined) break;
    pieces.push({ text: piece.value, isEncoded: piece.name.endsWith('*') });
  }
  if (pieces.length > 0) return decodeExtended(pieces);
  const plain = parameters.find((entry) => entry.name === name);
  if (plain === undefined || plain.value.length > decodedLengthMax) return plain?.value;
  return decodeWords(plain.value);
}

/** RFC 2231 §4: `charset'language'percent-encoded`; only the first piece names the charset. */
function decodeExtended(pieces: readonly { text: string; isEncoded: boolean }[]): string {
  let charset = '';
  const bytes: Buffer[] = [];
  pieces.forEach(({ text, isEncoded }, i) => {
    let rest = text;
    if (i === 0 && isEncoded) {
      const match = /^([^']*)'[^']*'/.exec(text);
      if (match !== null) {
        charset = match[1]!;
        rest = text.slice(match[0].length);
      }
    }
    bytes.push(
      isEncoded ? unescaped(Buffer.from(rest, 'utf8'), percentSign) : Buffer.from(rest, 'utf8'),
    );
  });
  return decodeCharset(Buffer.concat(bytes), charset);
}

class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Up to one of `ends`, comments left out, trimmed. */
  plain(ends: string): string {
    const text = this.#text;
    let out = '';
    let start = this.#at;
    while (this.#at < text.length) {
      const char = text[this.#at]!;
      if (char === '(') {
        out += text.slice(start, this.#at);
        this.#skipComment();
        start = this.#at;
      } else if (ends.includes(char)) break;
      else this.#at++;
    }
    return (out + text.slice(start, this.#at)).trim();
  }

  /** A quoted string or what stands up to the next semicolon; stops at that semicolon. */
  value(): string {
    const text = this.#text;
    while (this.#at < text.length && /[\s(]/.test(text[this.#at]!)) {
      if (text[this.#at] === '(') this.#skipComment();
      else this.#at++;
    }
    // Unquoted values with spaces are wrong and common: they end at the semicolon.
    if (text[this.#at] !== '"') return this.plain(';');
    let out = '';
    let start = ++this.#at;
    for (; this.#at < text.length && text[this.#at] !== '"'; this.#at++) {
      if (text[this.#at] !== '\\' || this.#at + 1 === text.length) continue;
      out += text.slice(start, this.#at);
      start = ++this.#at;
    }
    out += text.slice(start, this.#at);
    this.#at++;
    this.plain(';');
    return out;
  }

  #skipComment(): void {
    const text = this.#text;
    let depth = 0;
    for (; this.#at < text.length; this.#at++) {
      const char = text[this.#at];
      if (char === '\\') this.#at++;
      else if (char === '(') depth++;
      else if (char === ')' && --depth === 0) {
        this.#at++;
        return;
      }
    }
  }
}
