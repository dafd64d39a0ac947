/**
 * The messages of an mbox file.
 *
 * Runs in:   the CLI's process.
 * Limits:    a piece of `pieceBytes` and one message are in memory, however long the file is.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { mebibyte } from '../../base/units.ts';
import { fromMbox, type Quoting } from '../../mail/formats/mbox/message.ts';
import { type MboxItem, MboxReader } from '../../mail/formats/mbox/reader.ts';
import { reasonOf } from './read-file.ts';
import { fileMessageBytesMax, type SourceItem } from './source-item.ts';

const pieceBytes = mebibyte;

export function* mboxMessages(path: string, quoting: Quoting): Iterable<SourceItem> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    yield { kind: 'fault', place: path, reason: reasonOf(cause) };
    return;
  }
  try {
    for (const item of itemsOf(file)) {
      const place = `${path} at byte ${item.offset}`;
      if (item.kind === 'fault') {
        yield { kind: 'fault', place, reason: item.reason };
        continue;
      }
      const message = fromMbox(item.raw, quoting);
      if (message === undefined) continue;
      yield { kind: 'message', place, internalMs: item.internalMs, ...message };
    }
  } catch (cause) {
    yield { kind: 'fault', place: path, reason: reasonOf(cause) };
  } finally {
    closeSync(file);
  }
}

function* itemsOf(file: number): Iterable<MboxItem> {
  const reader = new MboxReader(fileMessageBytesMax);
  for (;;) {
    // The reader keeps views: each piece has memory of its own.
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    const count = readSync(file, piece, 0, pieceBytes, null);
    if (count === 0) break;
    yield* reader.push(piece.subarray(0, count));
  }
  yield* reader.end();
}
