/**
 * Cuts header text into the words and marks that addresses are made of.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §3.2 (atoms, quoted strings, comments) and §4.1, RFC 6532 (UTF-8 in words).
 * Invariant: linear time; comments are counted, not recursed into; never throws.
 */

export type Token =
  | {
      readonly kind: 'word';
      readonly text: string;
      readonly quoted: boolean;
      readonly spaced: boolean;
    }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'special'; readonly text: string }
  | { readonly kind: 'end' };

export type Word = Token & { readonly kind: 'word' };

const controls = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const wordPattern = /[^\s\u0000-\u001f\u007f()<>[\]:;@\\,"]+/y;

export class Lexer {
  /** A quote, comment or literal has no end, or a control character stands somewhere. */
  isBroken = false;
  /** Text of the last comment outside of an address: some programs put the name there. */
  comment = '';
  readonly #text: string;
  #at = 0;
  #peeked: Token | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  peek(): Token {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  next(): Token {
    const token = this.peek();
    this.#peeked = undefined;
    return token;
  }

  /** Takes the next token when it is this special. */
  skip(special: string): boolean {
    const token = this.peek();
    if (token.kind !== 'special' || token.text !== special) return false;
    this.next();
    return true;
  }

  #read(): Token {
    const text = this.#text;
    const start = this.#at;
    this.#skipBlank();
    if (this.#at >= text.length) return { kind: 'end' };
    const spaced = this.#at > start;
    const first = text[this.#at]!;
    if (first === '"') return { kind: 'word', text: this.#quoted('"'), quoted: true, spaced };
    if (first === '[') return { kind: 'literal', text: `[${this.#quoted(']').trim()}]` };
    wordPattern.lastIndex = this.#at;
    const word = wordPattern.exec(text)?.[0];
    if (word === undefined) {
      this.#at++;
      return { kind: 'special', text: first };
    }
    this.#at += word.length;
    return { kind: 'word', text: word, quoted: false, spaced };
  }

  /** To after `close`, backslashes resolved; an end that never comes is the end of the text. */
  #quoted(close: string): string {
    const text = this.#text;
    let out = '';
    let at = this.#at + 1;
    for (; at < text.length && text[at] !== close; at++) {
      if (text[at] === '\\' && at + 1 < text.length) at++;
      out += text[at];
    }
    if (at === text.length || controls.test(out)) this.isBroken = true;
    this.#at = at + 1;
    return out;
  }

  #skipBlank(): void {
    const text = this.#text;
    while (this.#at < text.length) {
      const char = text.charCodeAt(this.#at);
      if (char === 0x28) this.#skipComment();
      else if ((char < 32 && char !== 9) || char === 127) {
        this.isBroken = true;
        this.#at++;
      } else if (char <= 32 || char === 0xa0 || char === 0xfeff) this.#at++;
      else return;
    }
  }

  #skipComment(): void {
    const text = this.#text;
    let depth = 0;
    let out = '';
    for (; this.#at < text.length; this.#at++) {
      const char = text[this.#at]!;
      if (char === '\\' && this.#at + 1 < text.length) out += text[++this.#at];
      else if (char === '(') {
        if (depth++ > 0) out += char;
      } else if (char === ')') {
        if (--depth === 0) {
          this.#at++;
          break;
        }
        out += char;
      } else out += char;
    }
    if (depth > 0 || controls.test(out)) this.isBroken = true;
    this.comment = out.trim();
  }
}
