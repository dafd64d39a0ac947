/**
 * What the spool's records mean to the index and to replay.
 *
 * Runs in:   engine thread; `apply` is pure.
 * Invariant: an accepted record changes no row: a message gets its rows only when it waits (the relay fast
 *            path); a change record changes the rows of a message that has them.
 */

import { Buffer } from 'node:buffer';
import type { MessageId } from '../../base/ids.ts';
import type { RecordKind, RecordPlace, ShardReader } from '../store/record.ts';
import { transitAccount } from '../store/vault/vault.ts';
import {
  movedRow,
  queueKey,
  queueRange,
  rowChanges,
  rowPlace,
  rowTenant,
  unpackRow,
} from './queue-rows.ts';
import {
  applyChange,
  spoolAcceptedRecord,
  spoolChangeRecord,
  unpackAccepted,
  unpackChange,
} from './records.ts';
import { keyedKind } from './repeats.ts';
import type { Spool } from './spool.ts';

export function spoolKinds(spool: Spool): readonly RecordKind[] {
  return [
    {
      type: spoolAcceptedRecord,
      name: 'spool.accepted',
      pinsBody: true,
      sealedFor: () => transitAccount,
      apply: () => [],
      restore: (record) => spool.restoreAccepted(record),
      livePlaces: (read) => livePlaces(spool, read),
      move(record, _from, read) {
        const id = unpackAccepted(record)[0] as MessageId;
        const row = read.get(queueKey(id));
        return row === undefined ? [] : [{ put: queueKey(id), value: movedRow(row, record.place) }];
      },
    },
    {
      type: spoolChangeRecord,
      name: 'spool.change',
      apply(record, read) {
        const change = unpackChange(record);
        const id = change[0] as MessageId;
        // The relay's fast path: without a row, a look for one in the index would be all there is to do.
        if (spool.isUnindexed(id)) return [];
        const row = read.get(queueKey(id));
        if (row === undefined) return [];
        const message = unpackRow(id, row);
        applyChange(message, change);
        // Whatever changed: it is tried at its instant, and finds its site as it is then.
        message.readyGroup = undefined;
        return rowChanges(message, row, message.place);
      },
      restore: (record, shard) => spool.restoreChange(record, shard),
    },
    keyedKind,
  ];
}

const rowsPerRead = 1_000;

/** Bodies of messages that wait, as their rows name them. */
function* livePlaces(spool: Spool, read: ShardReader): Iterable<RecordPlace> {
  let { from } = queueRange as { readonly from: Uint8Array };
  for (;;) {
    const rows = read.range({ from, to: queueRange.to, limit: rowsPerRead });
    for (const { value } of rows) {
      spool.countRow(rowTenant(value));
      yield rowPlace(value);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < rowsPerRead) return;
    from = Buffer.concat([last.key, Buffer.of(0)]);
  }
}
