/**
 * The account of a ledger folder of any size: joined in parts, each of as many messages as memory is to hold.
 *
 * Runs in:   ledger, load generator (after a run that asks for it).
 * Limits:    about `partBytesMax` of entries in memory at a time, four times that as objects. Every part reads the
 *            folder once more: ten million messages of three entries are 40 parts.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { mebibyte } from '../../base/units.ts';
import { AccountSum, type LedgerAccount } from './account.ts';
import { type AcknowledgedEntry, entryFile, entryKinds } from './entries.ts';
import { idHash } from './id-hash.ts';
import { LedgerJoin } from './ledger-join.ts';
import { LedgerReader } from './ledger-reader.ts';
import type { FaintMessage } from './order-watch.ts';

const partBytesMax = 128 * mebibyte;

export function accountOf(folder: string, bytesMax = partBytesMax): LedgerAccount {
  const count = Math.max(1, Math.ceil(bytesIn(folder) / bytesMax));
  const sum = new AccountSum();
  for (let index = 0; index < count; index++) {
    const part = new LedgerJoin();
    new LedgerReader(folder, { index, count }).readNew(part);
    part.addTo(sum);
  }
  return sum.account((messages) => recall(folder, messages));
}

export function bytesIn(folder: string): number {
  let bytes = 0;
  for (const kind of entryKinds) {
    bytes += statSync(join(folder, entryFile(kind)), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

/** Looks once more through what was acknowledged. */
function recall(folder: string, messages: readonly FaintMessage[]): readonly string[] {
  const found: string[] = [];
  const isMeant = ({ id, sentMs }: AcknowledgedEntry) =>
    messages.some((message) => message.sentMs === sentMs && message.idHash === idHash(id));
  new LedgerReader(folder, undefined, ['acknowledged']).readNew({
    add: (_, entry) => {
      if (isMeant(entry as AcknowledgedEntry)) found.push(entry.id);
    },
    addMalformed: () => {},
  });
  return found;
}
