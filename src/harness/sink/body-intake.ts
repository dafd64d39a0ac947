/**
 * The bytes of a message as they come in: by DATA up to its dot, or in chunks by BDAT; and when they are cut off.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 5321 §4.1.1.4 (DATA), RFC 3030 §2 (the octets of a refused chunk are still read).
 * Limits:    `messageBytesMax` a message: what is past it is read and not kept.
 */

import type { Buffer } from 'node:buffer';
import { mebibyte } from '../../base/units.ts';
import { DataReader } from './data-reader.ts';
import type { Fault } from './fault-source.ts';

const messageBytesMax = 128 * mebibyte;

export class BodyIntake {
  #data = new DataReader(messageBytesMax);
  #chunks: Buffer[] = [];
  /** Of `#chunks`, those dropped as too many included. */
  #chunkedBytes = 0;
  #chunkLeft = 0;
  #isLastChunk = false;
  #refusal: string | undefined;
  #isBegun = false;
  /** How the connection will be cut, once so many bytes of the body have come. */
  #drop: 'reset' | 'close' | undefined;
  #dropBytesLeft = 0;

  beginData(): void {
    this.#data = new DataReader(messageBytesMax);
    this.#beginBody();
  }

  /** `refusal`: the reply to this chunk, when its octets have come. */
  beginChunk(bytes: number, isLast: boolean, refusal: string | undefined): void {
    if (refusal !== undefined) this.#refusal = refusal;
    this.#chunkLeft = bytes;
    this.#isLastChunk = isLast;
    if (this.#chunks.length === 0) this.#beginBody();
  }

  /** True once, before the first bytes of a body are taken. */
  begins(): boolean {
    if (this.#isBegun) return false;
    this.#isBegun = true;
    return true;
  }

  dropAfter({ drop, afterBytes }: Fault): void {
    this.#drop = drop;
    this.#dropBytesLeft = afterBytes;
  }

  /** How the connection is cut now that `bytes` more have come, if it is. */
  dropAt(bytes: number): 'reset' | 'close' | undefined {
    if (this.#drop === undefined) return undefined;
    this.#dropBytesLeft -= bytes;
    return this.#dropBytesLeft > 0 ? undefined : this.#drop;
  }

  /** Takes up to the end of the data; what is behind it, or undefined where it has not come. */
  takeData(input: Buffer): Buffer | undefined {
    return this.#data.take(input);
  }

  get data(): DataReader {
    return this.#data;
  }

  get chunkLeft(): number {
    return this.#chunkLeft;
  }

  get isLastChunk(): boolean {
    return this.#isLastChunk;
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  /** Takes what belongs to the chunk; answers the rest. */
  takeChunk(input: Buffer, isWanted: boolean): Buffer {
    const part = input.subarray(0, this.#chunkLeft);
    this.#chunkLeft -= part.length;
    this.#chunkedBytes += part.length;
    if (this.#chunkedBytes > messageBytesMax) this.#refusal ??= '552 5.3.4 Message too large';
    if (isWanted && this.#refusal === undefined) this.#chunks.push(part);
    return input.subarray(part.length);
  }

  /** The refusal of the chunk that has come; asked once. */
  takeRefusal(): string | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }

  forget(): void {
    this.#chunks = [];
    this.#chunkedBytes = 0;
  }

  #beginBody(): void {
    this.#isBegun = false;
    this.#drop = undefined;
  }
}
