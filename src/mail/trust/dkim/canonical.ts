/**
 * The forms in which DKIM hashes headers and bodies.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 6376 §3.4 (canonicalisation), §3.7 (hash inputs).
 * Invariant: a body is read once, part by part, and never copied whole.
 */

import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { view } from '../../../base/bytes.ts';

export const canonicalForms = ['relaxed', 'simple'] as const;
export type CanonicalForm = (typeof canonicalForms)[number];

/** A field as the signature covers it: its name in lower case, and its bytes with the last line break. */
export interface DkimField {
  readonly name: string;
  readonly raw: Uint8Array;
}

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;

/** Base64 of the SHA-256 of the body's canonical form. */
export function bodyHash(parts: readonly Uint8Array[], form: CanonicalForm): string {
  const hash = createHash('sha256');
  const writer = new BodyWriter(hash);
  for (const part of parts) {
    if (form === 'relaxed') writer.relaxed(part);
    else writer.simple(part);
  }
  writer.end(form);
  return hash.digest('base64');
}

/** One field's canonical form with its line break, as latin1 text: one character per byte. */
export function canonicalField(raw: Uint8Array, form: CanonicalForm): string {
  const text = view(raw).toString('latin1');
  if (form === 'simple') return text;
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trimEnd().toLowerCase();
  const value = text
    .slice(colon + 1)
    // RFC 6376 §3.4.2: unfold, reduce white space to one space, remove it at the ends.
    .replace(/\r?\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
  return `${name}:${value}\r\n`;
}

const scratchBytes = 16_384;
/** Shared by all bodies of a thread: writers run to their end without a pause. */
const scratch = Buffer.allocUnsafeSlow(scratchBytes);

/** Canonicalises into a scratch array and hashes that as it fills. */
class BodyWriter {
  readonly #hash: Hash;
  #filled = 0;
  /** Line ends met and not yet written: at the end of a body they are dropped. */
  #lines = 0;
  /** White space met and not yet written: at the end of a line it is dropped. */
  #hasSpace = false;
  #hasReturn = false;
  #isEmpty = true;
  #isLineOpen = false;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  relaxed(part: Uint8Array): void {
    for (let at = 0; at < part.length; at++) {
      const byte = part[at]!;
      if (byte > space && !this.#hasReturn && this.#lines === 0) {
        // The common byte.
        if (this.#filled > scratchBytes - 4) this.#flush();
        if (this.#hasSpace) {
          scratch[this.#filled++] = space;
          this.#hasSpace = false;
        }
        scratch[this.#filled++] = byte;
        this.#isLineOpen = true;
      } else if (byte === lineFeed) this.#endLine();
      else {
        if (this.#hasReturn) this.#put(carriageReturn);
        if (byte === carriageReturn) this.#hasReturn = true;
        else if (byte === space || byte === tab) this.#hasSpace = true;
        else this.#put(byte);
      }
    }
  }

  simple(part: Uint8Array): void {
    for (let at = 0; at < part.length; at++) {
      const byte = part[at]!;
      if (byte === lineFeed) this.#endLine();
      else {
        if (this.#hasReturn) this.#put(carriageReturn);
        if (byte === carriageReturn) this.#hasReturn = true;
        else this.#put(byte);
      }
    }
  }

  end(form: CanonicalForm): void {
    if (this.#hasReturn) this.#put(carriageReturn);
    // RFC 6376 §3.4.3: the simple form of an empty body is one line break; §3.4.4: the relaxed one is nothing.
    if (!this.#isEmpty || this.#isLineOpen || form === 'simple') {
      this.#lines = 1;
      this.#writeLines();
    }
    this.#flush();
  }

  #endLine(): void {
    this.#hasReturn = false;
    this.#hasSpace = false;
    this.#lines++;
    if (this.#isLineOpen) this.#isEmpty = false;
    this.#isLineOpen = false;
  }

  #put(byte: number): void {
    this.#hasReturn = false;
    this.#writeLines();
    if (this.#filled > scratchBytes - 4) this.#flush();
    if (this.#hasSpace) {
      scratch[this.#filled++] = space;
      this.#hasSpace = false;
    }
    scratch[this.#filled++] = byte;
    this.#isLineOpen = true;
  }

  #writeLines(): void {
    for (; this.#lines > 0; this.#lines--) {
      if (this.#filled > scratchBytes - 4) this.#flush();
      scratch[this.#filled++] = carriageReturn;
      scratch[this.#filled++] = lineFeed;
    }
  }

  #flush(): void {
    if (this.#filled > 0) this.#hash.update(scratch.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
