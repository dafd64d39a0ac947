/**
 * Turns records into index changes and pins, by the kinds registered for their types.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: records pass in the order of the journal; one that no kind knows stops the replay, it
 *            is never skipped.
 */

import { pack, unpack } from 'msgpackr';
import { assert } from '../../base/assert.ts';
import { view } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import type { Bodies } from './bodies.ts';
import type { Overlay } from './overlay.ts';
import {
  type JournalRecord,
  noChanges,
  type RecordDraft,
  type RecordKind,
  type RecordPlace,
  type RestoringShard,
  WrittenRecord,
} from './record.ts';
import { kindTypeMax, kindTypeMin, movedRecord } from './record-types.ts';
import type { Sealing } from './vault/sealing.ts';

type PackedPlace = readonly [number, number, number, number, number, number];

/** What a `moved` record says beside the body it carries. */
interface Moved {
  readonly kind: RecordKind;
  readonly from: RecordPlace;
  /** As its kind wrote it, at its new place. */
  readonly record: JournalRecord;
}

export class Applier {
  readonly #kinds: (RecordKind | undefined)[] = [];
  readonly #overlay: Overlay;
  readonly #bodies: Bodies;
  /** Absent: no account of the shard was ever encrypted. */
  sealing: Sealing | undefined;

  constructor(kinds: readonly RecordKind[], overlay: Overlay, bodies: Bodies) {
    this.#overlay = overlay;
    this.#bodies = bodies;
    for (const kind of kinds) {
      assert(kind.type >= kindTypeMin && kind.type <= kindTypeMax, `type of ${kind.name}`);
      assert(this.#kinds[kind.type] === undefined, `record type ${kind.type} is there twice`);
      this.#kinds[kind.type] = kind;
    }
  }

  kinds(): RecordKind[] {
    return this.#kinds.filter((kind) => kind !== undefined);
  }

  kindOf(type: number): RecordKind | undefined {
    return this.#kinds[type];
  }

  /** A record that was just synced. */
  applyWritten(draft: RecordDraft, place: RecordPlace): void {
    const kind = this.#kinds[draft.type];
    if (kind !== undefined) this.#apply(kind, new WrittenRecord(place, draft));
    else if (draft.type === movedRecord) this.#applyMoved(new WrittenRecord(place, draft));
  }

  /** A record read at open. True: it was one of a kind. */
  replay(read: JournalRecord, isCopied: boolean, shard: RestoringShard): boolean {
    const record = this.#opened(read, (sealing) => sealing.openToApply(read));
    if (record === undefined) {
      this.#pinUnopened(read);
      return false;
    }
    if (record.type === movedRecord) this.#applyMoved(record);
    if (record.type < kindTypeMin) return false;
    const kind = this.#kinds[record.type];
    if (kind === undefined) {
      throw new MailError('store-failed', `record type ${record.type} is unknown to this version`);
    }
    this.#apply(kind, record);
    // Its rows may be there already, with the place it was copied from.
    if (isCopied) this.#renamePlace(kind, record, record.place);
    kind.restore?.(record, shard);
    return true;
  }

  /**
   * A record whose copy takes over: rows and pin go to the new place, holders of the old one are
   * led there.
   */
  relocate(from: RecordPlace, read: JournalRecord): void {
    const record = this.#opened(read, (sealing) => sealing.open(read));
    if (record === undefined) {
      this.#bodies.relocate(from, read.place);
      return;
    }
    if (record.type === movedRecord) {
      const moved = this.#unpackMoved(record);
      this.#overlay.add(moved.kind.move?.(moved.record, from, this.#overlay) ?? noChanges);
      this.#bodies.relocate(from, record.place);
      return;
    }
    const kind = this.#kinds[record.type];
    if (kind === undefined) return;
    this.#overlay.add(kind.apply(record, this.#overlay));
    this.#renamePlace(kind, record, from);
    if (kind.pinsBody === true) this.#bodies.relocate(from, record.place);
  }

  /** Whether rows name `record.place` as a live body's; `undefined`: it cannot be moved. */
  isLive(record: JournalRecord): boolean | undefined {
    // Not opened by `asWritten`: of an account that is gone, or of one that may come back.
    if (record.sealedBy !== undefined)
      return this.sealing?.isShredded(record) === true ? false : undefined;
    const kind = this.#kinds[record.type];
    if (kind?.pinsBody !== true || record.place.bodyBytes === 0) return false;
    if (kind.move === undefined) return undefined;
    const changes = kind.move(record, record.place, this.#overlay);
    return changes.length > 0 && changes.every((change) => this.#changesNothing(change));
  }

  /** A moved record as its kind wrote it, at the place it has now; any other as it is, opened where it can be. */
  asWritten(read: JournalRecord): JournalRecord {
    const record = this.#opened(read, (sealing) => sealing.open(read));
    if (record === undefined) return read;
    return record.type === movedRecord ? this.#unpackMoved(record).record : record;
  }

  #opened(
    record: JournalRecord,
    open: (sealing: Sealing) => JournalRecord | undefined,
  ): JournalRecord | undefined {
    if (record.sealedBy === undefined) return record;
    if (this.sealing !== undefined) return open(this.sealing);
    throw new MailError('store-failed', 'a sealed record in a shard opened without keys');
  }

  /** Its account may come back: until then its body stays. */
  #pinUnopened(record: JournalRecord): void {
    const isMissing = this.sealing?.isMissing(record) === true;
    const pins = record.type === movedRecord || this.#kinds[record.type]?.pinsBody === true;
    if (isMissing && pins) this.#bodies.pin(record.place);
  }

  #changesNothing(change: IndexChange): boolean {
    if (!('put' in change)) return false;
    const value = this.#overlay.get(change.put);
    return value !== undefined && view(value).equals(change.value);
  }

  #renamePlace(kind: RecordKind, record: JournalRecord, from: RecordPlace): void {
    this.#overlay.add(kind.move?.(record, from, this.#overlay) ?? noChanges);
  }

  #apply(kind: RecordKind, record: JournalRecord): void {
    // Before it is applied: that a key is missing must not stop what takes the account away.
    if (kind.endsAccount !== undefined) this.sealing?.end(kind.endsAccount(record.meta));
    const changes = kind.apply(record, this.#overlay);
    if (changes.length > 0) this.#overlay.add(changes);
    if (kind.pinsBody === true) this.#bodies.pin(record.place);
  }

  #applyMoved(record: JournalRecord): void {
    const moved = this.#unpackMoved(record);
    const changes = moved.kind.move?.(moved.record, moved.from, this.#overlay) ?? noChanges;
    // No changes: the body died while it was copied, and so did the copy; or at open its row is
    // ahead of this record already, and the pin follows.
    if (changes.length === 0 && !this.#bodies.isReplayed(moved.from)) return;
    this.#overlay.add(changes);
    this.#bodies.move(moved.from, record.place);
  }

  #unpackMoved(record: JournalRecord): Moved {
    const [type, packed, meta] = unpack(record.meta) as [number, PackedPlace, Uint8Array];
    const kind = this.#kinds[type];
    if (kind === undefined) {
      throw new MailError('store-failed', `record type ${type} is unknown to this version`);
    }
    const [sequence, segment, offset, bytes, bodyOffset, bodyBytes] = packed;
    const from = { sequence, segment, offset, bytes, bodyOffset, bodyBytes };
    const { place, tenant, body } = record;
    return { kind, from, record: { place, type, tenant, meta, body } };
  }
}

/** A copy of a record of a kind, for compaction to append. */
export function movedDraft(record: JournalRecord): RecordDraft {
  const { sequence, segment, offset, bytes, bodyOffset, bodyBytes } = record.place;
  const from: PackedPlace = [sequence, segment, offset, bytes, bodyOffset, bodyBytes];
  const meta = pack([record.type, from, record.meta]);
  return { type: movedRecord, tenant: record.tenant, meta, body: [record.body] };
}
