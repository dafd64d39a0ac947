/**
 * A conversation, and the Message-ID hashes that lead to it.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8621 §3 (what joins a thread).
 * Limits:    `membersMax` documents and `hashesMax` hashes: past that, replies start a thread anew.
 */

import { packRow, unpackRow } from './packing.ts';

export const membersMax = 500;
export const hashesMax = 1_000;
/** Threads one Message-ID may lead to: they differ in their base subject. */
export const candidatesMax = 16;

/** A thread as one mailbox has it. */
export interface ThreadHead {
  readonly mailbox: number;
  readonly newestMs: number;
  readonly messages: number;
}

export interface ThreadRow {
  /** Documents in order of arrival. */
  readonly members: readonly number[];
  readonly heads: readonly ThreadHead[];
  /** Hashes that lead here, 8 bytes each, one after the other. */
  readonly hashes: Uint8Array;
}

type Packed = readonly [members: readonly number[], heads: readonly number[], hashes: Uint8Array];

export function encodeThread(row: ThreadRow): Uint8Array {
  const heads = row.heads.flatMap((head) => [head.mailbox, head.newestMs, head.messages]);
  const packed: Packed = [row.members, heads, row.hashes];
  return packRow(packed);
}

export function decodeThread(value: Uint8Array): ThreadRow {
  const [members, packed, hashes] = unpackRow<Packed>(value);
  const heads: ThreadHead[] = [];
  for (let i = 0; i < packed.length; i += 3) {
    heads.push({ mailbox: packed[i]!, newestMs: packed[i + 1]!, messages: packed[i + 2]! });
  }
  return { members, heads, hashes };
}

/** thread, hash of its base subject, thread, hash, … */
export type Candidates = readonly number[];

export function encodeCandidates(candidates: Candidates): Uint8Array {
  return packRow(candidates);
}

export function decodeCandidates(value: Uint8Array): Candidates {
  return unpackRow<readonly number[]>(value);
}
