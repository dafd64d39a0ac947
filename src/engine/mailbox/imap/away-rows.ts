/**
 * Parsed rows that stand in the journal for their size, read together.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `groupBytesMax` at a time, unless a single row is larger.
 */

import { mebibyte } from '../../../base/units.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { MessageRows } from './message-rows.ts';
import type { BlockLook } from './row-leaves.ts';

const groupBytesMax = mebibyte;

interface AwaySlot {
  readonly slot: number;
  /** Undefined: it is gone, or stands here now. */
  readonly place: RecordPlace | undefined;
}

export class AwayRows {
  readonly #shard: MailboxShard;
  readonly #rows: MessageRows;

  constructor(shard: MailboxShard, account: number) {
    this.#shard = shard;
    this.#rows = new MessageRows(shard, account);
  }

  *groups({ block }: BlockLook, slots: readonly number[]): IterableIterator<readonly AwaySlot[]> {
    let group: AwaySlot[] = [];
    let bytes = 0;
    for (const slot of slots) {
      const place = this.#rows.open(block.document(slot)).awayPlace();
      bytes += place?.bodyBytes ?? 0;
      if (bytes > groupBytesMax && group.length > 0) {
        yield group;
        group = [];
        bytes = place?.bodyBytes ?? 0;
      }
      group.push({ slot, place });
    }
    if (group.length > 0) yield group;
  }

  /** By slot; undefined for those that are gone. */
  async read(group: readonly AwaySlot[]): Promise<ReadonlyMap<number, Uint8Array | undefined>> {
    const there = group.flatMap(({ slot, place }) =>
      place === undefined ? [] : [{ slot, place }],
    );
    const read = await this.#shard.readNear(
      there.map(({ place }) => place),
      Number.MAX_SAFE_INTEGER,
    );
    const rows = new Map<number, Uint8Array | undefined>();
    for (const { slot } of group) rows.set(slot, undefined);
    for (const [i, { slot }] of there.entries()) rows.set(slot, read[i]);
    return rows;
  }
}
