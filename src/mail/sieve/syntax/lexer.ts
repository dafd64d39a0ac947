/**
 * From a script's characters to its tokens.
 *
 * Runs in:   anywhere; pure; linear time.
 * Specs:     RFC 5228 §2.3, §2.4 and §8.1.
 * Invariant: the last token is `end`; anything that is no token is a `SieveFault`.
 */

import { SieveFault } from '../fault.ts';

export type TokenKind = 'identifier' | 'tag' | 'number' | 'string' | 'special' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Identifiers and tags in lower case, a tag without its colon; a string's content; a special character. */
  readonly text: string;
  /** Of a number, its unit counted in. */
  readonly number: number;
  readonly at: number;
}

const specials = '{}()[],;';
const identifierPattern = /[A-Za-z_][A-Za-z0-9_]*/y;
const numberPattern = /[0-9]+([KMGkmg]?)(?![A-Za-z0-9_])/y;
const multilineStart = /text:[ \t]*(?:#[^\n]*)?(?:\r?\n)/iy;
const blanks = /[ \t\r\n]+/y;
const units: Readonly<Record<string, number>> = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

/** A script's line ends are CRLF (RFC 5228 §2.2), whatever an editor made of them. */
function withCrlf(text: string): string {
  return text.includes('\n') ? text.replace(/\r?\n/g, '\r\n') : text;
}

export class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#skip();
    const at = this.#at;
    const text = this.#text;
    if (at >= text.length) return { kind: 'end', text: '', number: 0, at };
    const char = text[at]!;
    if (specials.includes(char)) {
      this.#at++;
      return { kind: 'special', text: char, number: 0, at };
    }
    if (char === '"') return this.#quoted();
    if (char === ':') {
      const name = this.#take(identifierPattern, at + 1);
      if (name === undefined) throw new SieveFault(at, 'a colon without the name of a tag');
      return { kind: 'tag', text: name.toLowerCase(), number: 0, at };
    }
    if (char >= '0' && char <= '9') return this.#number();
    if (this.#take(multilineStart, at) !== undefined) return this.#multiline(at);
    const name = this.#take(identifierPattern, at);
    if (name === undefined) {
      const shown = String.fromCodePoint(text.codePointAt(at)!);
      throw new SieveFault(at, `${JSON.stringify(shown)} has no meaning here`);
    }
    return { kind: 'identifier', text: name.toLowerCase(), number: 0, at };
  }

  /** Takes what a sticky pattern matches at `from`. */
  #take(pattern: RegExp, from: number): string | undefined {
    pattern.lastIndex = from;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  /** White space and comments. */
  #skip(): void {
    const text = this.#text;
    for (;;) {
      this.#take(blanks, this.#at);
      if (text[this.#at] === '#') {
        const end = text.indexOf('\n', this.#at);
        this.#at = end < 0 ? text.length : end + 1;
      } else if (text.startsWith('/*', this.#at)) {
        const end = text.indexOf('*/', this.#at + 2);
        if (end < 0) throw new SieveFault(this.#at, 'a comment without its end: */ is missing');
        this.#at = end + 2;
      } else return;
    }
  }

  #number(): Token {
    const at = this.#at;
    const taken = this.#take(numberPattern, at);
    if (taken === undefined) {
      throw new SieveFault(at, 'a number may end with K, M or G and with nothing else');
    }
    const unit = /[A-Za-z]$/.exec(taken)?.[0] ?? '';
    const digits = taken.slice(0, taken.length - unit.length);
    const number = Number(digits) * units[unit.toLowerCase()]!;
    if (!Number.isSafeInteger(number)) throw new SieveFault(at, 'the number is too large');
    return { kind: 'number', text: taken, number, at };
  }

  /** RFC 5228 §2.4.2: a backslash makes the next character stand for itself. */
  #quoted(): Token {
    const at = this.#at;
    const text = this.#text;
    let out = '';
    let start = at + 1;
    for (let i = start; i < text.length; i++) {
      const char = text[i];
      if (char === '\\') {
        out += text.slice(start, i);
        start = ++i;
      } else if (char === '"') {
        this.#at = i + 1;
        return { kind: 'string', text: withCrlf(out + text.slice(start, i)), number: 0, at };
      }
    }
    throw new SieveFault(at, 'a string without its end: " is missing');
  }

  /** RFC 5228 §2.4.2: up to a line with nothing but a full stop; of two at a line's beginning one is taken away. */
  #multiline(at: number): Token {
    const text = this.#text;
    const lines: string[] = [];
    let start = this.#at;
    while (start < text.length) {
      const feed = text.indexOf('\n', start);
      const end = feed < 0 ? text.length : feed;
      const line = text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end);
      if (line === '.') {
        this.#at = feed < 0 ? end : feed + 1;
        return { kind: 'string', text: lines.join(''), number: 0, at };
      }
      lines.push(`${line.startsWith('..') ? line.slice(1) : line}\r\n`);
      if (feed < 0) break;
      start = feed + 1;
    }
    throw new SieveFault(at, 'a text without its end: a line with nothing but "." is missing');
  }
}
