/**
 * The bytes of a message that waits: from memory, or from the journal, whose segment stays meanwhile.
 *
 * Runs in: engine thread.
 */

import { Buffer } from 'node:buffer';
import { kibibyte } from '../../base/units.ts';
import type { BodySource } from '../delivery/message.ts';
import { isSide } from '../store/side/format.ts';
import type { SpoolMessage } from './message.ts';
import type { SpoolShard } from './spool-shard.ts';

/** A header is no longer, with the fields put before it. */
const beginningBytesMax = 512 * kibibyte;

export async function readBody(
  shard: SpoolShard,
  message: SpoolMessage,
): Promise<readonly Uint8Array[]> {
  if (message.parts !== undefined) return message.parts;
  // It may have been copied since its place was told, and the old segment be gone.
  const place = shard.placeNow(message.place);
  // What waits was written not long ago: mostly it is at hand, and needs none of libuv's threads, which sync (decision
  // 0097).
  const now = shard.readNow(place);
  if (now !== undefined) return [Buffer.from(now)];
  const lease = shard.lease(place.segment);
  try {
    return [await shard.read(place)];
  } finally {
    lease.release();
  }
}

/** Its header and what follows it: all of the message, or the beginning of a large one. */
export async function readBeginning(
  shard: SpoolShard,
  message: SpoolMessage,
): Promise<readonly Uint8Array[]> {
  const source = sourceOf(shard, message);
  if (source === undefined) return readBody(shard, message);
  try {
    return [await source.read(0, Math.min(source.bytes, beginningBytesMax))];
  } finally {
    source.release();
  }
}

/**
 * A large message's bytes, slice by slice; undefined for one that may be in memory whole. The file stays until
 * `release`. @throws MailError when it is gone.
 */
export function sourceOf(
  shard: SpoolShard,
  { place, bytes }: SpoolMessage,
): (BodySource & { release(): void }) | undefined {
  if (!isSide(place.segment)) return undefined;
  const lease = shard.lease(place.segment);
  return {
    bytes,
    read: (from, length) => shard.read(place, from, length),
    release: () => lease.release(),
  };
}
