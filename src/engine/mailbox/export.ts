/**
 * Messages of a mailbox with their bytes, window by window: small ones together, a large one in pieces.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    a window is at most `exportWindowBytesMax` of text and `messagesPerWindowMax` messages.
 * Invariant: nothing is kept between windows. A message that went while it was read in pieces is told as gone.
 */

import {
  type ExportedPiece,
  type ExportWindow,
  exportWindowBytesMax,
  type PackedExport,
} from '../../actors/asks/mailbox-asks.ts';
import { concat } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import type { MailboxReader } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { DocumentRow } from './rows/document-row.ts';

const messagesPerWindowMax = 256;

export interface ExportParts {
  readonly shard: Pick<MailboxShard, 'lease' | 'read'>;
  readonly reader: MailboxReader;
}

export async function exportWindow(
  { shard, reader }: ExportParts,
  [account, mailbox, firstUid, firstOffset]: PackedExport,
): Promise<{ readonly value: ExportWindow; readonly body: Uint8Array }> {
  if (reader.mailbox(account, mailbox) === undefined) {
    throw new MailError('not-found', `mailbox ${mailbox}`);
  }
  const entries = reader.messages(account, mailbox, firstUid, messagesPerWindowMax);
  const pieces: ExportedPiece[] = [];
  const reads: Promise<Uint8Array>[] = [];
  let next: ExportWindow['next'];
  let leftBytes = exportWindowBytesMax;
  if (firstOffset > 0 && entries[0]?.uid !== firstUid) pieces.push([firstUid, 0, [], -1, 0, 0]);
  for (const { uid, document, flags } of entries) {
    const row = reader.document(account, document);
    if (row === undefined) continue;
    const offset = uid === firstUid ? firstOffset : 0;
    const rest = row.size - offset;
    // A message that fits in a window of its own is not cut.
    const isLater = rest > leftBytes && leftBytes < exportWindowBytesMax;
    if (isLater) {
      next = [uid, offset];
      break;
    }
    const length = Math.min(rest, leftBytes);
    pieces.push([uid, row.internalMs, flags, row.size, offset, length]);
    reads.push(read(shard, row, offset, length));
    leftBytes -= length;
    if (length < rest) {
      next = [uid, offset + length];
      break;
    }
  }
  if (next === undefined && entries.length === messagesPerWindowMax) {
    next = [entries.at(-1)!.uid + 1, 0];
  }
  const body = concat(await Promise.all(reads));
  return { value: next === undefined ? { pieces } : { pieces, next }, body };
}

async function read(
  shard: ExportParts['shard'],
  { place }: DocumentRow,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const lease = shard.lease(place.segment);
  try {
    return await shard.read(place, offset, length);
  } finally {
    lease.release();
  }
}
