/**
 * Finds the fields of one name in a header without looking at the others.
 *
 * Runs in:   engine threads; pure; hot: once per message of a search of headers.
 * Specs:     RFC 5322 §2.2, §4.5 (white space before the colon).
 * Invariant: finds what `HeaderScan` finds; a header that could meet one of its limits is scanned by it.
 */

import type { Buffer } from 'node:buffer';
import { OctetSearch } from '../text/octet-search.ts';
import { type FieldName, fieldName, findField } from './fields.ts';
import { HeaderScan } from './scan.ts';

/** A shorter header has fewer fields, and shorter lines, than a scan takes. */
const quickBytesMax = 4_000;

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;
const colon = 58;
/** RFC 5322 §2.2: printable ASCII but the colon. */
const possibleName = /^[\x21-\x39\x3b-\x7e]+$/;

export class FieldFinder {
  /** Of the field found: after the colon, and before its last line break. */
  valueStart = 0;
  valueEnd = 0;
  readonly #name: FieldName;
  readonly #scan = new HeaderScan();
  /** With the line break before it. Undefined: no field has such a name. */
  readonly #search: OctetSearch | undefined;
  #bytes: Buffer | undefined;
  #at = 0;
  #headerEnd = 0;
  /** The scan decides; else -1. */
  #field = -1;

  constructor(name: string) {
    this.#name = fieldName(name);
    this.#search = possibleName.test(name) ? new OctetSearch(`\n${name}`) : undefined;
  }

  get bytes(): Buffer {
    return this.#bytes!;
  }

  /** The message, or its header and what follows. */
  open(bytes: Buffer): this {
    this.#bytes = bytes;
    this.#at = 0;
    this.#field = -1;
    const end = headerEndOf(bytes);
    if (end >= 0) this.#headerEnd = end;
    else {
      this.#scan.scan(bytes);
      this.#field = 0;
    }
    return this;
  }

  /** Goes to the next one; false: there is none. */
  next(): boolean {
    const search = this.#search;
    if (search === undefined) return false;
    if (this.#field >= 0) return this.#nextScanned();
    const bytes = this.#bytes!;
    while (this.#at < this.#headerEnd) {
      // The first field has no line break before it.
      const isFirst = this.#at === 0 && search.startsAt(bytes, 0, 1);
      const line = isFirst ? 0 : search.indexIn(bytes, this.#at, this.#headerEnd) + 1;
      if (line === 0 && !isFirst) break;
      if (this.#isField(line + search.length - 1)) return true;
      this.#at = line + search.length - 1;
    }
    this.#at = this.#headerEnd;
    return false;
  }

  /** Whether a field's name ends here: its value is then known. */
  #isField(nameEnd: number): boolean {
    const bytes = this.#bytes!;
    const stop = this.#headerEnd;
    let at = nameEnd;
    while (at < stop && (bytes[at] === space || bytes[at] === tab)) at++;
    if (at >= stop || bytes[at] !== colon) return false;
    at++;
    this.valueStart = at;
    for (;;) {
      while (at < stop && bytes[at] !== lineFeed) at++;
      if (at + 1 >= stop || (bytes[at + 1] !== space && bytes[at + 1] !== tab)) break;
      at++;
    }
    // The break stays: another field may begin behind it.
    this.#at = at;
    this.valueEnd = at > this.valueStart && bytes[at - 1] === carriageReturn ? at - 1 : at;
    return true;
  }

  #nextScanned(): boolean {
    const found = findField(this.#scan, this.#name, this.#field);
    if (found < 0) return false;
    this.#field = found + 1;
    this.valueStart = this.#scan.valueStart(found);
    this.valueEnd = this.#scan.valueEnd(found);
    return true;
  }
}

/** After the last field's line break; -1 where that is too far away to be sure. */
function headerEndOf(bytes: Buffer): number {
  if (bytes[0] === lineFeed || (bytes[0] === carriageReturn && bytes[1] === lineFeed)) return 0;
  const stop = Math.min(bytes.length, quickBytesMax);
  // An empty line begins with two octets of line breaks: one of them is met by every second step.
  for (let at = 1; at < stop; at += 2) {
    const octet = bytes[at]!;
    if (octet !== lineFeed && octet !== carriageReturn) continue;
    for (let line = Math.max(0, at - 1); line <= at; line++) {
      if (isEmptyBehind(bytes, line, stop)) return line + 1;
    }
  }
  return bytes.length < quickBytesMax ? bytes.length : -1;
}

/** Whether a line ends here and the next one, if all of it is before `stop`, is empty. */
function isEmptyBehind(bytes: Buffer, at: number, stop: number): boolean {
  if (bytes[at] !== lineFeed || at + 1 >= stop) return false;
  if (bytes[at + 1] === lineFeed) return true;
  return bytes[at + 1] === carriageReturn && at + 2 < stop && bytes[at + 2] === lineFeed;
}
