/**
 * Gathers an answer's text and octets in order, and joins them once.
 *
 * Runs in: engine threads; hot.
 */

import { Buffer } from 'node:buffer';

export class OctetWriter {
  readonly #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #text = '';

  /** Of all that was written. */
  get bytes(): number {
    return this.#partsBytes + this.#text.length;
  }

  /** Latin 1 only: ASCII as a rule. */
  text(text: string): void {
    this.#text += text;
  }

  /** Kept until `finish`, not copied before. */
  octets(octets: Uint8Array): void {
    this.#flushText();
    this.#parts.push(octets);
    this.#partsBytes += octets.byteLength;
  }

  finish(): Buffer {
    this.#flushText();
    return this.#parts.length === 1
      ? Buffer.from(this.#parts[0]!)
      : Buffer.concat(this.#parts, this.#partsBytes);
  }

  #flushText(): void {
    if (this.#text === '') return;
    this.#parts.push(Buffer.from(this.#text, 'latin1'));
    this.#partsBytes += this.#text.length;
    this.#text = '';
  }
}
