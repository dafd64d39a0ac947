/**
 * A message's header as text, for the checks that sign and judge fields.
 *
 * Runs in:   engine threads; pure. Holds the message while its checks run.
 * Specs:     RFC 5322 §2.2, RFC 6376 §3.4.2 and §5.4.2 (which of several fields of one name).
 * Invariant: the bytes are read in one way only: a header that readers take apart differently (bare CR or LF, a line
 *            that is no field, no end) is `undefined`.
 */

import { view } from '../../../base/bytes.ts';
import { type HeaderScan, scanHeaders } from '../../formats/headers/scan.ts';
import {
  type CanonicalForm,
  type LimitedHash,
  limitedBodyHash,
  relaxedField,
} from '../dkim/canonical.ts';

const lineFeed = 10;
const carriageReturn = 13;

export class PlainHeader {
  readonly count: number;
  readonly body: Uint8Array;
  /** Names in lower case. */
  readonly names: readonly string[];
  readonly #scan: HeaderScan;
  readonly #text: string;
  readonly #relaxed: (string | undefined)[] = [];
  readonly #byName = new Map<string, number[]>();
  readonly #bodyHashes = new Map<string, LimitedHash>();

  private constructor(scan: HeaderScan, names: readonly string[], text: string) {
    this.count = scan.count;
    this.body = scan.bytes.subarray(scan.bodyStart);
    this.names = names;
    this.#scan = scan;
    this.#text = text;
    for (const [field, name] of names.entries()) {
      const fields = this.#byName.get(name);
      if (fields === undefined) this.#byName.set(name, [field]);
      else fields.push(field);
    }
  }

  static of(message: Uint8Array): PlainHeader | undefined {
    const scan = scanHeaders(message);
    if (scan.fault !== undefined || scan.count === 0 || scan.bodyStart === scan.headerEnd) {
      return undefined;
    }
    if (!hasPlainLines(message, scan.bodyStart)) return undefined;
    const text = view(message).toString('latin1', 0, scan.headerEnd);
    const names: string[] = [];
    for (let field = 0; field < scan.count; field++) {
      if (scan.nameEnd(field) === scan.nameStart(field)) return undefined;
      names.push(text.slice(scan.nameStart(field), scan.nameEnd(field)).toLowerCase());
    }
    return new PlainHeader(scan, names, text);
  }

  /** Fields of a name in lower case, from the top. */
  fields(name: string): readonly number[] {
    return this.#byName.get(name) ?? [];
  }

  /** What follows the colon, with folds, as latin1, without the last line break. */
  value(field: number): string {
    return this.#text.slice(this.#scan.valueStart(field), this.#scan.rawEnd(field) - 2);
  }

  /** With its line break. */
  canonical(field: number, form: CanonicalForm): string {
    if (form === 'simple') return this.#raw(field);
    const text = this.#relaxed[field] ?? relaxedField(this.#raw(field));
    this.#relaxed[field] = text;
    return text;
  }

  /** RFC 6376 §5.4.2: fields are taken from the bottom, each once; names without one more field stand for nothing. */
  signedText(names: readonly string[], form: CanonicalForm): string {
    const left = new Map<string, number>();
    let text = '';
    for (const name of names) {
      const fields = this.#byName.get(name);
      if (fields === undefined) continue;
      const index = (left.get(name) ?? fields.length) - 1;
      if (index < 0) continue;
      left.set(name, index);
      text += this.canonical(fields[index]!, form);
    }
    return text;
  }

  /** RFC 6376 §3.7: the field of the signature itself, without its value and its line break. */
  unsignedText(field: number, form: CanonicalForm): string {
    const text = this.canonical(field, form).slice(0, -2);
    let at = text.indexOf(':') + 1;
    for (;;) {
      const end = text.indexOf(';', at);
      const stop = end < 0 ? text.length : end;
      const equals = text.indexOf('=', at);
      if (equals >= 0 && equals < stop && text.slice(at, equals).trim() === 'b') {
        return text.slice(0, equals + 1) + text.slice(stop);
      }
      if (end < 0) return text;
      at = end + 1;
    }
  }

  /** `limit`: bytes of the canonical form that are hashed, or `Infinity`. */
  bodyHash(form: CanonicalForm, limit: number): LimitedHash {
    const asked = `${form} ${limit}`;
    let found = this.#bodyHashes.get(asked);
    if (found === undefined) {
      found = limitedBodyHash([this.body], form, limit);
      this.#bodyHashes.set(asked, found);
    }
    return found;
  }

  #raw(field: number): string {
    return this.#text.slice(this.#scan.nameStart(field), this.#scan.rawEnd(field));
  }
}

function hasPlainLines(message: Uint8Array, end: number): boolean {
  for (let at = 0; at < end; at++) {
    const byte = message[at]!;
    if (byte > carriageReturn) continue;
    if (byte === lineFeed) {
      if (at === 0 || message[at - 1] !== carriageReturn) return false;
    } else if (byte === carriageReturn && message[at + 1] !== lineFeed) return false;
  }
  return true;
}
