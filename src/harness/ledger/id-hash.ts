/**
 * A hash of message ids, from text and from bytes alike: deals ids out to parts, and marks them in little room.
 *
 * Runs in: ledger; pure.
 */

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** 32 bits (FNV-1a, mixed once more: ids of a run differ in their last characters only). */
export function idHash(id: string): number {
  let hash = offsetBasis;
  for (let at = 0; at < id.length; at++) {
    hash = Math.imul(hash ^ (id.charCodeAt(at) & 0xff), prime);
  }
  return mixed(hash);
}

/** Of the id that stands at these bytes. */
export function idHashAt(bytes: Uint8Array, start: number, end: number): number {
  let hash = offsetBasis;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, prime);
  return mixed(hash);
}

function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
