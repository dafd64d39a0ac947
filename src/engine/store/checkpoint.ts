/**
 * A shard's whole index as journal records: what lets the segments before it go.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    rows leave in records of about `rowsBytesMax`, each a group of its own, so that mail
 *            passes between.
 * Invariant: a checkpoint counts only with its end record, once all of it was synced and read back.
 *            Its rows are those of one commit of the index (decision 0109), which holds all records up to
 *            `covers`: rows read one after the other would be of different instants, and records that are
 *            applied on top of those would not find what they were decided on.
 */

import { Buffer } from 'node:buffer';
import { pack, unpack } from 'msgpackr';
import { assert } from '../../base/assert.ts';
import { emptyBytes, view } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import { defaultTenant } from '../../base/ids.ts';
import { kibibyte } from '../../base/units.ts';
import type {
  IndexChange,
  IndexEntry,
  IndexSnapshot,
  ShardIndex,
} from '../../ports/shard-index.ts';
import { readApplied } from './applied.ts';
import type { JournalRecord, RecordDraft, RecordPlace, ShardReader } from './record.ts';
import {
  checkpointBeginRecord,
  checkpointEndRecord,
  checkpointRowsRecord,
} from './record-types.ts';

const rowsBytesMax = 128 * kibibyte;
const rowsPerRead = 256;
const rowHeadBytes = 6;

/** All tables but the store's own, whose keys start with 0x00. */
const firstTableKey = Buffer.of(0x01);
const pastTablesKey = Buffer.of(0xff, 0xff);

export interface Checkpoint {
  /** Sequence of the begin record names it. */
  readonly begin: number;
  /** All records up to this sequence are in its rows. */
  readonly covers: number;
  /**
   * It was written in this epoch: what a later one copied forward has newer places than its rows.
   */
  readonly epoch: number;
  /** What it took in the journal. */
  readonly bytes: number;
}

const checkpointKey = Buffer.of(0x00, 0x02);

export function readCheckpoint(read: ShardReader): Checkpoint | undefined {
  const value = read.get(checkpointKey);
  if (value === undefined) return undefined;
  const [begin, covers, epoch, bytes] = unpack(value) as [number, number, number, number];
  return { begin, covers, epoch, bytes };
}

export function checkpointChange({ begin, covers, epoch, bytes }: Checkpoint): IndexChange {
  return { put: checkpointKey, value: pack([begin, covers, epoch, bytes]) };
}

export interface CheckpointShard {
  /** Changes when a failure made the shard copy the end of its journal. */
  readonly epoch: number;
  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]>;
  read(place: RecordPlace): Promise<Uint8Array>;
}

/**
 * Writes the index as it is now; undefined: it has nothing of this epoch yet. Resolves when it may be relied on.
 * @throws MailError `not-possible-now` when a new epoch began meanwhile: rows read before it may
 * name places that were copied since.
 */
export async function writeCheckpoint(
  index: Pick<ShardIndex, 'snapshot'>,
  shard: CheckpointShard,
): Promise<Checkpoint | undefined> {
  const rows = index.snapshot();
  try {
    const applied = readApplied(rows);
    // Rows of an earlier epoch may name places whose records were copied since.
    if (applied?.epoch !== shard.epoch) return undefined;
    return await written(rows, shard, applied.sequence);
  } finally {
    rows.release();
  }
}

async function written(
  index: IndexSnapshot,
  shard: CheckpointShard,
  covers: number,
): Promise<Checkpoint> {
  const { epoch } = shard;
  const [begun] = await shard.append([draft(checkpointBeginRecord, [covers], [])]);
  const begin = begun!.sequence;
  const places: RecordPlace[] = [];
  let rowCount = 0;
  for (const rows of pages(index)) {
    rowCount += rows.length;
    places.push(...(await shard.append([draft(checkpointRowsRecord, [begin], packRows(rows))])));
  }
  if (shard.epoch !== epoch) throw new MailError('not-possible-now', 'a new epoch began');
  const facts = [begin, covers, epoch, places.length, rowCount];
  const end = draft(checkpointEndRecord, facts, []);
  const [ended] = await shard.append([end]);
  let bytes = begun!.bytes + ended!.bytes;
  for (const place of [begun!, ...places, ended!]) {
    // Read whole, so its CRC is checked: before this, nothing is let go in its favour.
    await shard.read(place);
    bytes += place.bodyBytes;
  }
  return { begin, covers, epoch, bytes };
}

/** Each page is read when the one before is on disk. */
function* pages(read: Pick<IndexSnapshot, 'range'>): Generator<IndexEntry[]> {
  let from: Uint8Array = firstTableKey;
  for (;;) {
    const page: IndexEntry[] = [];
    let bytes = 0;
    while (bytes < rowsBytesMax) {
      const rows = read.range({ from, to: pastTablesKey, limit: rowsPerRead });
      for (const { key, value } of rows) bytes += rowHeadBytes + key.byteLength + value.byteLength;
      page.push(...rows);
      if (rows.length < rowsPerRead) {
        if (page.length > 0) yield page;
        return;
      }
      from = Buffer.concat([rows.at(-1)!.key, Buffer.of(0)]);
    }
    yield page;
  }
}

function packRows(rows: readonly IndexEntry[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const { key, value } of rows) {
    const head = Buffer.alloc(rowHeadBytes);
    head.writeUInt16BE(key.byteLength, 0);
    head.writeUInt32BE(value.byteLength, 2);
    parts.push(head, key, value);
  }
  return [Buffer.concat(parts)];
}

export function unpackRows(body: Uint8Array): IndexChange[] {
  const bytes = view(body);
  const changes: IndexChange[] = [];
  for (let at = 0; at < bytes.length; ) {
    const keyEnd = at + rowHeadBytes + bytes.readUInt16BE(at);
    const valueEnd = keyEnd + bytes.readUInt32BE(at + 2);
    const put = Uint8Array.from(bytes.subarray(at + rowHeadBytes, keyEnd));
    changes.push({ put, value: Uint8Array.from(bytes.subarray(keyEnd, valueEnd)) });
    at = valueEnd;
  }
  return changes;
}

type EndFacts = [begin: number, covers: number, epoch: number, rowRecords: number, rows: number];

/** Finds the newest whole checkpoint in a run through the journal's records, in order. */
export class CheckpointFinder {
  #begin = 0;
  #rowsSeen = 0;
  #bytes = 0;
  found: Checkpoint | undefined;

  see(record: JournalRecord): void {
    const { type, place, meta } = record;
    if (type === checkpointBeginRecord) {
      this.#begin = place.sequence;
      this.#rowsSeen = 0;
      this.#bytes = 0;
    } else if (type === checkpointRowsRecord) {
      if (beginOf(record) === this.#begin) this.#rowsSeen++;
    } else if (type === checkpointEndRecord) {
      const [begin, covers, epoch, rowRecords] = unpack(meta) as number[] as EndFacts;
      if (begin !== this.#begin || rowRecords !== this.#rowsSeen) return;
      assert(covers < begin, 'a checkpoint that covers itself');
      this.found = { begin, covers, epoch, bytes: this.#bytes };
    } else {
      return;
    }
    this.#bytes += place.bytes;
  }
}

/** Which checkpoint a rows record belongs to; `undefined` for other records. */
export function beginOf(record: JournalRecord): number | undefined {
  if (record.type !== checkpointRowsRecord) return undefined;
  return (unpack(record.meta) as [number])[0];
}

function draft(type: number, meta: readonly number[], body: readonly Uint8Array[]): RecordDraft {
  return { type, tenant: defaultTenant, meta: meta.length === 0 ? emptyBytes : pack(meta), body };
}
