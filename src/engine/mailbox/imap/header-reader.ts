/**
 * Headers of many messages, by few reads.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    of a header `headerBytesMax` are read.
 */

import { kibibyte } from '../../../base/units.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';

/** This much is read of each message at first: most headers are shorter. */
export const headerBytesFirst = 4 * kibibyte;
const headerBytesMax = 256 * kibibyte;

/** Each with what comes along of the body; undefined for messages that are gone. */
export async function readHeaders(
  shard: Pick<MailboxShard, 'readNear'>,
  places: readonly RecordPlace[],
): Promise<(Uint8Array | undefined)[]> {
  const heads = [...(await shard.readNear(places, headerBytesFirst))];
  const long: number[] = [];
  for (const [i, head] of heads.entries()) {
    if (head === undefined || head.length === places[i]!.bodyBytes || hasHeaderEnd(head)) continue;
    long.push(i);
  }
  if (long.length === 0) return heads;
  const whole = await shard.readNear(
    long.map((i) => places[i]!),
    headerBytesMax,
  );
  for (const [at, i] of long.entries()) heads[i] = whole[at];
  return heads;
}

const lineFeed = 10;
const carriageReturn = 13;

function hasHeaderEnd(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    const next = bytes[at + 1];
    if (next === lineFeed || (next === carriageReturn && bytes[at + 2] === lineFeed)) return true;
  }
  return false;
}
