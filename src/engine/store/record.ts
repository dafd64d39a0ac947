/**
 * A journal record before it is written, where it was written, and as it is read back.
 *
 * Runs in:   engine threads; plain data.
 * Invariant: sequence numbers rise by the order of writing through all segments of a shard.
 */

import { concat, emptyBytes } from '../../base/bytes.ts';
import type { TenantId } from '../../base/ids.ts';
import type { EntryVisit, IndexChange, IndexEntry, IndexRange } from '../../ports/shard-index.ts';
import type { DataKey, KeyName } from './vault/vault.ts';

/** What a caller hands to `Shard.append`. Bytes are read until the append settles, never copied. */
export interface RecordDraft {
  readonly type: number;
  readonly tenant: TenantId;
  /** msgpack, small: it is copied once. */
  readonly meta: Uint8Array;
  readonly body: readonly Uint8Array[];
  /** The body stands in a side segment, synced before this record is written; `body` is empty then. */
  readonly side?: SideBody;
  /** What `meta` packs, for who would unpack it again in this turn; never written. */
  readonly unpacked?: unknown;
  /** Of an encrypted account: the record is sealed by it on its way to the segment. */
  readonly key?: DataKey;
  /** Meta and body are sealed already. */
  readonly sealedBy?: KeyName;
}

/** A body in a file of its own. */
export interface SideBody {
  /** Number of the side segment; see `side/format.ts`. */
  readonly segment: number;
  readonly bodyOffset: number;
  readonly bodyBytes: number;
  /** The front has a CRC-32C of its own, for it is written last. */
  readonly frontBytes: number;
  readonly frontCrc: number;
  readonly restCrc: number;
}

/** Of a body in a side segment: `offset` and `bytes` are the body's own. */
export interface RecordPlace {
  readonly sequence: number;
  readonly segment: number;
  /** Of the record's header in the segment file. */
  readonly offset: number;
  /** Header, meta and body. */
  readonly bytes: number;
  /** Of the body in the segment file. */
  readonly bodyOffset: number;
  readonly bodyBytes: number;
}

export interface JournalRecord {
  readonly place: RecordPlace;
  readonly type: number;
  readonly tenant: TenantId;
  /** `meta` and `body` may be views of a larger buffer: copy what is kept. */
  readonly meta: Uint8Array;
  /** Empty where the body is in a side segment. */
  readonly body: Uint8Array;
  /** As read from a segment: meta and body are sealed still. */
  readonly sealedBy?: KeyName;
}

/** What is journaled, as of now: the overlay over the index. */
export interface ShardReader {
  get(key: Uint8Array): Uint8Array | undefined;
  range(range: IndexRange): readonly IndexEntry[];
  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void;
}

/** What a shard offers while it is being opened. */
export interface RestoringShard extends ShardReader {
  write(changes: readonly IndexChange[]): void;
  /** Also of bodies from before the replayed part: those are counted later, from `livePlaces`. */
  releaseBody(place: RecordPlace): void;
}

/** What one record type means to the index. Registered when the shard is opened. */
export interface RecordKind {
  readonly type: number;
  readonly name: string;
  /**
   * Index changes of this record: a pure function of the record and what `read` shows. Records are
   * applied in order, and a run of them may be applied again: applying twice changes nothing.
   * After a rebuild from a checkpoint the rows are of different ages, each at least as new as those
   * of lower keys: a row by which others are judged applied already must sort before them.
   */
  apply(record: JournalRecord, read: ShardReader): readonly IndexChange[];
  /**
   * Called for each record replayed at open, in order, after `apply`. The shard writes nothing yet.
   */
  restore?(record: JournalRecord, shard: RestoringShard): void;
  /** True: a body of this type pins its segment until `Shard.releaseBody`. */
  readonly pinsBody?: boolean;
  /** Whose data key seals records of this type, by their meta; without it they stay clear. */
  sealedFor?(meta: Uint8Array): number;
  /** Whom a record of this type ends for good, by its meta: neither it nor what is left of the account needs a key. */
  endsAccount?(meta: Uint8Array): number;
  /**
   * Places of all bodies of this type that the index knows to be live. Asked once at open; without
   * it, segments from before the replayed part of the journal are kept for ever.
   */
  livePlaces?(read: ShardReader): Iterable<RecordPlace>;
  /**
   * Index changes when the body was copied from `from` to `record.place`, by compaction or with the
   * end of the journal (that copy keeps its sequence): every row that names its place, none for a
   * body that died. Told where it stands already, the changes change nothing. Without `move` no
   * body of this type is compacted, and `apply` itself leads its rows to the newest place.
   */
  move?(record: JournalRecord, from: RecordPlace, read: ShardReader): readonly IndexChange[];
}

export const noChanges: readonly IndexChange[] = [];

/** A record just written: its body is joined only for a kind that asks for it. */
export class WrittenRecord implements JournalRecord {
  readonly place: RecordPlace;
  readonly #draft: RecordDraft;

  constructor(place: RecordPlace, draft: RecordDraft) {
    this.place = place;
    this.#draft = draft;
  }

  get type(): number {
    return this.#draft.type;
  }

  get tenant(): TenantId {
    return this.#draft.tenant;
  }

  get meta(): Uint8Array {
    return this.#draft.meta;
  }

  get body(): Uint8Array {
    const { body } = this.#draft;
    if (body.length === 0) return emptyBytes;
    return body.length === 1 ? body[0]! : concat(body);
  }
}
