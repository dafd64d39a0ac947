/**
 * What threads are made of, as hashes: a message's own id and those it refers to.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5256 §3 (References count, or the first of In-Reply-To).
 * Invariant: rows keep these hashes: the same text has the same one for ever. Equal hashes of unequal texts, 1 in 2^53,
 *            only show messages as one thread.
 */

import { Buffer } from 'node:buffer';
import { threadIdList } from './message-ids.ts';

/** Of one hash, packed. */
export const threadHashBytes = 8;

/** Values of the fields, unfolded; a field that is not there is undefined. */
export interface ThreadFields {
  readonly messageId?: string | undefined;
  readonly references?: string | undefined;
  readonly inReplyTo?: string | undefined;
}

/** Its own first, 0 where it has none; then those it refers to, the parent last. */
export function threadHashes({ messageId, references, inReplyTo }: ThreadFields): number[] {
  const [id = ''] = threadIdList(messageId ?? '');
  const before = threadIdList(references ?? '');
  const parents = before.length > 0 ? before : threadIdList(inReplyTo ?? '').slice(0, 1);
  const hashes = [id === '' ? 0 : textHash(id)];
  for (const parent of parents) hashes.push(textHash(parent));
  return hashes;
}

export function packThreadHashes(hashes: readonly number[]): Buffer {
  const packed = Buffer.allocUnsafe(hashes.length * threadHashBytes);
  for (const [i, hash] of hashes.entries()) {
    packed.writeUInt32BE(Math.floor(hash / 2 ** 32), i * threadHashBytes);
    packed.writeUInt32BE(hash % 2 ** 32, i * threadHashBytes + 4);
  }
  return packed;
}

/** Of so many bytes from `start` on. */
export function unpackThreadHashes(octets: Uint8Array, start: number, bytes: number): number[] {
  const hashes: number[] = [];
  for (let at = start; at < start + bytes; at += threadHashBytes) {
    hashes.push(u32(octets, at) * 2 ** 32 + u32(octets, at + 4));
  }
  return hashes;
}

function u32(octets: Uint8Array, at: number): number {
  const low = (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
  return octets[at]! * 0x100_0000 + low;
}

/** FNV-1a twice, 53 bits of it; never 0. */
export function textHash(text: string): number {
  let high = 0x811c_9dc5;
  let low = 0x9747_b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x0100_0193);
    low = Math.imul(low ^ code, 0x0100_01b3);
  }
  return mixed(high, low);
}

/** As `textHash`, of octets. */
export function octetsHash(octets: Uint8Array, from: number, to: number): number {
  let high = 0x811c_9dc5;
  let low = 0x9747_b28c;
  for (let i = from; i < to; i++) {
    high = Math.imul(high ^ octets[i]!, 0x0100_0193);
    low = Math.imul(low ^ octets[i]!, 0x0100_01b3);
  }
  return mixed(high, low);
}

function mixed(high: number, low: number): number {
  const first = Math.imul(high ^ (high >>> 16), 0x85eb_ca6b);
  const second = Math.imul(low ^ (low >>> 15), 0xc2b2_ae35);
  const hash = ((first ^ (first >>> 13)) >>> 0) * 2 ** 21 + ((second ^ (second >>> 16)) >>> 11);
  return hash === 0 ? 1 : hash;
}
