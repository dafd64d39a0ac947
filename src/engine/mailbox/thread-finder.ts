/**
 * Decides which conversation a new message belongs to.
 *
 * Runs in:   engine threads (hot path: a hash and a look-up per message id).
 * Specs:     RFC 8621 §3: a common message id in Message-ID, In-Reply-To or References, and the same base subject.
 * Limits:    the first two and the last ids of a message are looked at, `idsMax` in all.
 */

import { Buffer } from 'node:buffer';
import type { MessageSummary } from '../../mail/formats/mime/summary.ts';
import { messageIdHashBytes, messageIdKey, threadKey } from '../store/keys.ts';
import type { ShardReader } from '../store/record.ts';
import { decodeCandidates, decodeThread, membersMax } from './rows/thread-row.ts';

const idsMax = 24;

export interface ThreadIds {
  /** 8 bytes each. */
  readonly hashes: Buffer;
  readonly subject: number;
}

export function threadIds(summary: MessageSummary): ThreadIds {
  const { messageId, inReplyTo, references, sort } = summary;
  const ids = new Set<string>();
  if (messageId !== '') ids.add(messageId);
  for (const id of inReplyTo) if (ids.size < 2) ids.add(id);
  // The last references are the nearest; hostile lists are long.
  for (let i = references.length - 1; i >= 0 && ids.size < idsMax; i--) ids.add(references[i]!);
  const hashes = Buffer.allocUnsafe(ids.size * messageIdHashBytes);
  let at = 0;
  for (const id of ids) {
    hashes.writeUInt32BE(textHash(id, 0x811c_9dc5), at);
    hashes.writeUInt32BE(textHash(id, 0x9747_b28c), at + 4);
    at += messageIdHashBytes;
  }
  return { hashes, subject: textHash(sort.baseSubject, 0x811c_9dc5) };
}

/** FNV-1a with a final mix. Equal hashes of unequal ids only show two messages as one conversation. */
function textHash(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Threads decided and not journaled yet, by hash and subject. */
export type PendingThreads = Map<string, number>;

/** The thread to join, or undefined for a new one. */
export function findThread(
  read: ShardReader,
  account: number,
  ids: ThreadIds,
  pending: PendingThreads,
): number | undefined {
  const { hashes, subject } = ids;
  for (let at = 0; at < hashes.length; at += messageIdHashBytes) {
    const hash = hashes.subarray(at, at + messageIdHashBytes);
    const waiting = pending.size === 0 ? undefined : pending.get(pendingKey(hash, subject));
    if (waiting !== undefined) return waiting;
    const value = read.get(messageIdKey(account, hash));
    if (value === undefined) continue;
    const candidates = decodeCandidates(value);
    for (let i = 0; i < candidates.length; i += 2) {
      if (candidates[i + 1] === subject && hasRoom(read, account, candidates[i]!)) {
        return candidates[i];
      }
    }
  }
  return undefined;
}

export function notePending(pending: PendingThreads, ids: ThreadIds, thread: number): void {
  for (let at = 0; at < ids.hashes.length; at += messageIdHashBytes) {
    const hash = ids.hashes.subarray(at, at + messageIdHashBytes);
    pending.set(pendingKey(hash, ids.subject), thread);
  }
}

function pendingKey(hash: Buffer, subject: number): string {
  return `${hash.toString('latin1')}${subject}`;
}

function hasRoom(read: ShardReader, account: number, thread: number): boolean {
  const value = read.get(threadKey(account, thread));
  return value !== undefined && decodeThread(value).members.length < membersMax;
}
