/**
 * The keys of feedback's addresses and tokens: made by the server itself, changed now and then, old ones kept.
 *
 * Runs in:   edge (main thread).
 * Limits:    a key is the newest for `newestMsMax`; what it signed is good for `keptMs` after it was made; `idMax` keys.
 * Invariant: a key is on disk before it signs.
 */

import { dayMs } from '../../base/units.ts';
import type { FeedbackKey } from '../../mail/trust/feedback/tokens.ts';
import type { Random } from '../../ports/random.ts';
import type { SuppressionList } from '../../ports/suppressions.ts';

const newestMsMax = 90 * dayMs;
/** A link in a mail is clicked long after it came. */
const keptMs = 800 * dayMs;
/** A clock is set back a little now and then. */
const aheadMsMax = dayMs;
const idMax = 255;
const secretBytes = 32;
const prefix = 'key/';
const rootName = 'root';

export interface FeedbackKeys {
  /** That which signs first. */
  readonly keys: readonly FeedbackKey[];
  readonly root: Uint8Array;
}

/**
 * Makes what is missing. Nothing is let go of: a key too old to be read by is one again when the clock, which had run
 * ahead, comes back. A number is used again when all are taken, by then for 60 years.
 */
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
  const all = list.values(prefix).map(({ value }) => decoded(value));
  all.sort((a, b) => b.createdMs - a.createdMs);
  // What was signed while the clock ran ahead is read; signing on with that key, it would not change for years.
  const isAhead = ({ createdMs }: FeedbackKey) => createdMs > nowMs + aheadMsMax;
  const known = all.filter(({ createdMs }) => nowMs - createdMs <= keptMs);
  const keys = [...known.filter((key) => !isAhead(key)), ...known.filter(isAhead)];
  const [newest] = keys;
  const isFresh = newest !== undefined && !isAhead(newest);
  if (isFresh && nowMs - newest.createdMs <= newestMsMax) return { keys, root };
  const id = freeId(all);
  const made: FeedbackKey = { id, secret: random.bytes(secretBytes), createdMs: nowMs };
  await list.putValue(nameOf(id), encoded(made));
  return { keys: [made, ...keys.filter((key) => key.id !== id)], root };
}

/** The lowest that no key has; else the oldest key's. */
function freeId(newestFirst: readonly FeedbackKey[]): number {
  const used = new Set(newestFirst.map(({ id }) => id));
  for (let id = 1; id <= idMax; id++) if (!used.has(id)) return id;
  return newestFirst.at(-1)!.id;
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
