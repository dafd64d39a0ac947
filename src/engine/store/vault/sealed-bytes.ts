/**
 * AES-256-GCM over bytes, and a part of what it sealed read alone.
 *
 * Runs in:   engine threads; pure but for the nonces drawn.
 * Specs:     NIST SP 800-38D §7 (GCM), §8.2.2 (random nonces of 96 bits).
 * Limits:    one key seals 2^32 times at most by the book; `vault.ts` asks for a new one long before.
 * Invariant: a nonce is drawn anew for each sealing: what is written twice, after a cut or as a copy, is sealed twice.
 */

import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import type { Random } from '../../../ports/random.ts';

export const nonceBytes = 12;
export const tagBytes = 16;
const algorithm = 'aes-256-gcm';
const blockBytes = 16;
/** SP 800-38D §7.1: block 1 makes the tag, the text begins with block 2. */
const firstBlock = 2;
const drawnBytes = 341 * nonceBytes;

/** Nonces drawn many at once: one by one each would be a call of the system. */
export class Nonces {
  readonly #random: Pick<Random, 'bytes'>;
  #drawn: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(random: Pick<Random, 'bytes'>) {
    this.#random = random;
  }

  next(): Uint8Array {
    if (this.#at === this.#drawn.byteLength) {
      this.#drawn = this.#random.bytes(drawnBytes);
      this.#at = 0;
    }
    this.#at += nonceBytes;
    return this.#drawn.subarray(this.#at - nonceBytes, this.#at);
  }
}

export interface Sealed {
  readonly parts: readonly Uint8Array[];
  readonly tag: Uint8Array;
}

/** As many bytes as came in. */
export function sealBytes(
  key: KeyObject,
  nonce: Uint8Array,
  context: Uint8Array,
  clear: readonly Uint8Array[],
): Sealed {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(context);
  const parts = clear.map((part) => cipher.update(part));
  cipher.final();
  return { parts, tag: cipher.getAuthTag() };
}

/** Undefined: they are not what was sealed, or not in this place. */
export function openBytes(
  key: KeyObject,
  nonce: Uint8Array,
  context: Uint8Array,
  sealed: Uint8Array,
  tag: Uint8Array,
): Buffer | undefined {
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(context);
  decipher.setAuthTag(tag);
  const clear = decipher.update(sealed);
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return clear;
}

/** Bytes from `from` on of what was sealed, unproven: the tag is over the whole. */
export function openPart(
  key: KeyObject,
  nonce: Uint8Array,
  from: number,
  sealed: Uint8Array,
): Buffer {
  const counter = Buffer.alloc(blockBytes);
  counter.set(nonce);
  counter.writeUInt32BE(firstBlock + Math.floor(from / blockBytes), nonceBytes);
  const stream = createDecipheriv('aes-256-ctr', key, counter);
  stream.update(Buffer.alloc(from % blockBytes));
  return stream.update(sealed);
}
