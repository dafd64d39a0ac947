/**
 * The keys of feedback's addresses and tokens: made by the server itself, changed now and then, old ones kept.
 *
 * Runs in:   edge (main thread).
 * Limits:    a key is the newest for `newestMsMax`; what it signed is good for `keptMs` after it was made.
 * Invariant: a key is on disk before it signs.
 */

import { dayMs } from '../../base/units.ts';
import type { FeedbackKey } from '../../mail/trust/feedback/tokens.ts';
import type { Random } from '../../ports/random.ts';
import type { SuppressionList } from '../../ports/suppressions.ts';

const newestMsMax = 90 * dayMs;
/** A link in a mail is clicked long after it came. */
const keptMs = 800 * dayMs;
const secretBytes = 32;
const prefix = 'key/';
const rootName = 'root';

export interface FeedbackKeys {
  /** Newest first. */
  readonly keys: readonly FeedbackKey[];
  readonly root: Uint8Array;
}

/** Makes what is missing, and lets go of what is old. */
export async function feedbackKeys(
  list: Pick<SuppressionList, 'value' | 'values' | 'putValue'>,
  random: Random,
  nowMs: number,
): Promise<FeedbackKeys> {
  let root = list.value(rootName);
  if (root === undefined) {
    root = random.bytes(secretBytes);
    await list.putValue(rootName, root);
  }
  const keys = list.values(prefix).map(({ value }) => decoded(value));
  keys.sort((a, b) => b.createdMs - a.createdMs);
  for (const { id, createdMs } of keys) {
    if (nowMs - createdMs > keptMs) await list.putValue(nameOf(id), undefined);
  }
  const kept = keys.filter(({ createdMs }) => nowMs - createdMs <= keptMs);
  const [newest] = kept;
  if (newest !== undefined && nowMs - newest.createdMs <= newestMsMax) return { keys: kept, root };
  // One after the last, also where that is too old to be kept.
  const id = ((keys[0]?.id ?? 0) % 255) + 1;
  const made: FeedbackKey = { id, secret: random.bytes(secretBytes), createdMs: nowMs };
  await list.putValue(nameOf(id), encoded(made));
  return { keys: [made, ...kept], root };
}

function nameOf(id: number): string {
  return `${prefix}${String(id).padStart(3, '0')}`;
}

function encoded({ id, secret, createdMs }: FeedbackKey): Uint8Array {
  const head = Buffer.alloc(7);
  head[0] = id;
  head.writeUIntBE(createdMs, 1, 6);
  return Buffer.concat([head, secret]);
}

function decoded(value: Uint8Array): FeedbackKey {
  const bytes = Buffer.from(value);
  return { id: bytes[0]!, createdMs: bytes.readUIntBE(1, 6), secret: bytes.subarray(7) };
}
