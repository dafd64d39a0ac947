/**
 * The journal position the index has applied: a row of the index itself, in the transaction it
 * speaks of.
 *
 * Runs in:   engine threads.
 * Invariant: keys that start with 0x00 are the store's own; no other table uses them (keys.ts).
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import type { JournalPosition } from './journal/journal.ts';

const appliedKey = Buffer.of(0x00, 0x01);
const appliedBytes = 20;

export function readApplied(index: Pick<ShardIndex, 'get'>): JournalPosition | undefined {
  const value = index.get(appliedKey);
  if (value === undefined || value.byteLength !== appliedBytes) return undefined;
  const bytes = view(value);
  return {
    epoch: bytes.readUInt32BE(0),
    segment: bytes.readUInt32BE(4),
    offset: bytes.readUInt32BE(8),
    sequence: Number(bytes.readBigUInt64BE(12)),
  };
}

export function appliedChange(position: JournalPosition): IndexChange {
  const value = Buffer.alloc(appliedBytes);
  value.writeUInt32BE(position.epoch, 0);
  value.writeUInt32BE(position.segment, 4);
  value.writeUInt32BE(position.offset, 8);
  value.writeBigUInt64BE(BigInt(position.sequence), 12);
  return { put: appliedKey, value };
}
