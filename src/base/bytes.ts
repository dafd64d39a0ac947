/**
 * Small operations on bytes that more than one folder needs.
 *
 * Runs in:   every thread. Functions read their arguments and never keep them.
 */

import { Buffer } from 'node:buffer';

export const emptyBytes: Uint8Array = new Uint8Array(0);

/** Bytes as a Buffer over the same memory: for Buffer's fast searches and string reads, without a copy. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export function byteLength(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  return length;
}

/** One array with a backing store of its own (never of Node's pool, so it may be transferred). */
export function concat(parts: readonly Uint8Array[]): Buffer {
  const whole = Buffer.from(new ArrayBuffer(byteLength(parts)));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
