/**
 * Reads a server's responses into values, strictly: what is not IMAP is an assertion that fails.
 *
 * Runs in: tests.
 * Specs:   RFC 9051 §9 (response), and leniently whatever an extension puts into a list.
 */

import assert from 'node:assert/strict';

/** Null is NIL, a number is digits, a string is an atom, a quoted string or a literal of UTF-8. */
export type Value = null | number | string | readonly Value[];

export interface Response {
  /** `*`, `+` or a command's tag. */
  readonly tag: string;
  /** `OK`, `LIST`, `EXISTS`, `FETCH`…, in upper case; "" of a continuation. */
  readonly name: string;
  /** Before the name: `* 12 EXISTS`; else -1. */
  readonly number: number;
  /** Of a status response, what stands in the brackets; "" where there are none. */
  readonly code: string;
  /** Of a status response or continuation, the words. */
  readonly text: string;
  /** Of all others, what follows the name. */
  readonly values: readonly Value[];
  /** Its literals' octets, in order. */
  readonly literals: readonly Buffer[];
  /** As it came, without the last CRLF. */
  readonly raw: string;
}

const conditions = ['OK', 'NO', 'BAD', 'BYE', 'PREAUTH'];

/** Where a response that begins at `from` ends; -1 while it is not whole. */
export function responseEnd(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return -1;
    const mark = /\{(\d+)\}$/.exec(bytes.toString('latin1', Math.max(at, end - 24), end));
    if (mark === null) return end + 2;
    at = end + 2 + Number(mark[1]);
    if (at > bytes.length) return -1;
  }
}

/** `bytes` are one whole response with its CRLF. */
export function readResponse(bytes: Buffer): Response {
  const reader = new ValueReader(bytes);
  const raw = bytes.toString('utf8', 0, bytes.length - 2);
  const tag = reader.word();
  const base = { tag, name: '', number: -1, code: '', text: '', values: [], literals: [], raw };
  if (tag === '+') {
    return { ...base, text: reader.rest().replace(/^ /, '') };
  }
  reader.space();
  let name = reader.word();
  let number = -1;
  if (/^\d+$/.test(name)) {
    number = Number(name);
    reader.space();
    name = reader.word();
  }
  name = name.toUpperCase();
  if (number < 0 && conditions.includes(name)) {
    reader.space();
    const words = reader.rest();
    const coded = /^\[([^\]]*)\](?: (.*))?$/s.exec(words);
    assert.ok(!words.startsWith('[') || coded !== null, `a response code has no end: ${raw}`);
    return { ...base, name, code: coded?.[1] ?? '', text: coded?.[2] ?? words };
  }
  assert.equal(tag, '*', `data under a tag: ${raw}`);
  const values = reader.valuesToEnd();
  return { ...base, name, number, values, literals: reader.literals };
}

/** What a FETCH response holds, by item: `BODY[TEXT]<0>`. */
export function fetchItems(response: Response): ReadonlyMap<string, Value> {
  assert.equal(response.name, 'FETCH');
  const list = response.values[0];
  assert.ok(Array.isArray(list) && list.length % 2 === 0, `no pairs: ${response.raw}`);
  const items = new Map<string, Value>();
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i];
    assert.ok(typeof name === 'string' && !items.has(name), `no item, or twice: ${response.raw}`);
    items.set(name, list[i + 1]!);
  }
  return items;
}

class ValueReader {
  readonly literals: Buffer[] = [];
  readonly #bytes: Buffer;
  readonly #end: number;
  #at = 0;

  constructor(bytes: Buffer) {
    assert.equal(bytes.toString('latin1', bytes.length - 2), '\r\n');
    this.#bytes = bytes;
    this.#end = bytes.length - 2;
  }

  rest(): string {
    return this.#bytes.toString('utf8', this.#at, this.#end);
  }

  space(): void {
    assert.equal(this.#char(), ' ', `a space is missing: ${this.#where()}`);
    this.#at++;
  }

  /** Up to a space, a parenthesis or the end; brackets hold what they like. */
  word(): string {
    const from = this.#at;
    let depth = 0;
    while (this.#at < this.#end) {
      const char = this.#char();
      if (char === '[') depth++;
      else if (char === ']') depth--;
      else if (depth <= 0 && (char === ' ' || char === '(' || char === ')')) break;
      this.#at++;
    }
    assert.ok(this.#at > from, `a word is missing: ${this.#where()}`);
    return this.#bytes.toString('utf8', from, this.#at);
  }

  valuesToEnd(): Value[] {
    const values: Value[] = [];
    while (this.#at < this.#end) {
      // THREAD's lists stand without a space between them.
      if (values.length === 0 || this.#char() !== '(') this.space();
      values.push(this.#value());
    }
    return values;
  }

  #value(): Value {
    const char = this.#char();
    if (char === '(') return this.#list();
    if (char === '"') return this.#quoted();
    if (char === '{' || (char === '~' && this.#bytes[this.#at + 1] === 0x7b))
      return this.#literal();
    const word = this.word();
    if (word.toUpperCase() === 'NIL') return null;
    return /^\d{1,15}$/.test(word) ? Number(word) : word;
  }

  #list(): Value[] {
    const values: Value[] = [];
    this.#at++;
    while (this.#char() !== ')') {
      // Addresses, parts and threads stand without a space between them.
      if (values.length > 0 && this.#char() !== '(') this.space();
      values.push(this.#value());
    }
    this.#at++;
    return values;
  }

  #quoted(): string {
    let text = '';
    for (this.#at++; this.#char() !== '"'; this.#at++) {
      if (this.#char() === '\\') {
        this.#at++;
        assert.ok(['"', '\\'].includes(this.#char()), `a needless escape: ${this.#where()}`);
      }
      assert.ok(!['\r', '\n', '\0'].includes(this.#char()), `a line break: ${this.#where()}`);
      text += this.#char();
    }
    this.#at++;
    return Buffer.from(text, 'latin1').toString('utf8');
  }

  #literal(): string {
    const head = /^~?\{(\d+)\}\r\n/.exec(this.#bytes.toString('latin1', this.#at, this.#at + 32));
    assert.ok(head !== null, `no literal: ${this.#where()}`);
    const from = this.#at + head[0].length;
    this.#at = from + Number(head[1]);
    assert.ok(this.#at <= this.#end, 'a literal is too short');
    const octets = this.#bytes.subarray(from, this.#at);
    this.literals.push(octets);
    return octets.toString('utf8');
  }

  #char(): string {
    assert.ok(this.#at < this.#end, `a value has no end: ${this.#bytes.toString('latin1')}`);
    return String.fromCharCode(this.#bytes[this.#at]!);
  }

  #where(): string {
    return `at ${this.#at} of ${this.#bytes.toString('latin1')}`;
  }
}
