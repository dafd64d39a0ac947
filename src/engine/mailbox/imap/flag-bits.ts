/**
 * Which messages of a mailbox exist and what system flags they have, block by block, as searches met them: a search by
 * flags then reads no rows, and after a change only those of the blocks it touched.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    96 bytes a block of 128 UIDs, in the memory that all shards of the thread share; where more than
 *            `changesMax` changes came since, all blocks are read anew.
 * Invariant: what is known is as the mailbox's rows are at `refresh`; whoever lets others run refreshes again. Only of
 *            the owner's flags: a reader has a \Seen of its own.
 */

import { assert } from '../../../base/assert.ts';
import { modseqsSince, tables, uidBlockShift } from '../../store/keys.ts';
import { DerivedMap, type DerivedMemory } from '../derived-memory.ts';
import type { MailboxReader } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { BlockColumns } from '../rows/block-columns.ts';
import { systemFlags } from '../rows/uid-block.ts';
import { unpackRanges } from '../rows/uid-ranges.ts';
import type { Place } from './messages.ts';
import { blockBytes } from './view.ts';

const changesMax = 1_000;
const blocksFew = 64;
const bytesEach = (1 + systemFlags.length) * blockBytes;
/** Of what is kept, for each block, besides its bits. */
const overheadBytes = 40;

/** Of one shard. */
export class FlagBits {
  readonly #parts: FlagParts;
  readonly #kept: DerivedMap<MailboxFlags>;

  constructor(parts: FlagParts, memory: DerivedMemory) {
    this.#parts = parts;
    this.#kept = new DerivedMap(memory);
  }

  close(): void {
    this.#kept.close();
  }

  /** Of one mailbox, as it is now. */
  of(place: Place): MailboxFlags {
    const key = `${place.account} ${place.mailbox}`;
    const known = this.#kept.get(key);
    const flags = known ?? new MailboxFlags(this.#parts, place);
    if (known === undefined) {
      flags.grown = (bytes) => this.#kept.set(key, flags, bytes);
      flags.grown(flags.bytes);
    }
    flags.refresh();
    return flags;
  }
}

interface FlagParts {
  readonly shard: Pick<MailboxShard, 'range'>;
  readonly reader: Pick<MailboxReader, 'mailbox'>;
}

export class MailboxFlags {
  readonly #parts: FlagParts;
  readonly #place: Place;
  /** Where the bits of a block stand. */
  readonly #places = new Map<number, number>();
  readonly #free: number[] = [];
  #bits = new Uint8Array(blocksFew * bytesEach);
  #end = 0;
  #modseq = 0;
  #at = 0;
  /** Told how many bytes it has now. */
  grown: (bytes: number) => void = () => {};

  constructor(parts: FlagParts, place: Place) {
    this.#parts = parts;
    this.#place = place;
  }

  get bytes(): number {
    return this.#bits.byteLength + (this.#bits.byteLength / bytesEach) * overheadBytes;
  }

  /** Forgets what changed since. */
  refresh(): void {
    const { account, mailbox } = this.#place;
    const row = this.#parts.reader.mailbox(account, mailbox);
    const modseq = row?.highestModseq ?? 0;
    if (modseq === this.#modseq) return;
    const isLost =
      row === undefined ||
      this.#modseq < Math.max(row.modseqFloor, row.vanishedFloor) ||
      !this.#forgetChanged(tables.byModseq) ||
      !this.#forgetChanged(tables.vanished);
    if (isLost) this.#forgetAll();
    this.#modseq = modseq;
  }

  /** Turns to a block. False: it is not known. */
  open(number: number): boolean {
    const place = this.#places.get(number);
    if (place === undefined) return false;
    this.#at = place;
    return true;
  }

  /** Keeps a block as its row is now, and turns to it. */
  keep(number: number, block: BlockColumns): void {
    assert(!this.#places.has(number), 'a block that is not known');
    this.#at = this.#free.pop() ?? this.#more();
    this.#places.set(number, this.#at);
    block.copyExists(this.#bits.subarray(this.#at, this.#at + blockBytes));
    for (let flag = 0; flag < systemFlags.length; flag++) {
      const at = this.#at + (1 + flag) * blockBytes;
      block.copyFlag(flag, this.#bits.subarray(at, at + blockBytes));
    }
  }

  existsByte(byte: number): number {
    return this.#bits[this.#at + byte]!;
  }

  copyExists(into: Uint8Array): void {
    this.#copy(this.#at, into);
  }

  /** By the flag's place in `systemFlags`. */
  copyFlag(flag: number, into: Uint8Array): void {
    this.#copy(this.#at + (1 + flag) * blockBytes, into);
  }

  #copy(at: number, into: Uint8Array): void {
    const bits = this.#bits;
    for (let i = 0; i < blockBytes; i++) into[i] = bits[at + i]!;
  }

  #more(): number {
    const at = this.#end;
    this.#end += bytesEach;
    if (this.#end > this.#bits.byteLength) {
      const bits = new Uint8Array(2 * this.#bits.byteLength);
      bits.set(this.#bits);
      this.#bits = bits;
      this.grown(this.bytes);
    }
    return at;
  }

  /** False: there is too much. */
  #forgetChanged(table: number): boolean {
    const { account, mailbox } = this.#place;
    const since = modseqsSince(table, account, mailbox, this.#modseq);
    const rows = this.#parts.shard.range({ ...since, limit: changesMax + 1 });
    if (rows.length > changesMax) return false;
    for (const { value } of rows) {
      const uids = unpackRanges(value);
      for (let i = 0; i < uids.length; i += 2) {
        this.#forget(uids[i]! >>> uidBlockShift, uids[i + 1]! >>> uidBlockShift);
      }
    }
    return true;
  }

  #forget(first: number, last: number): void {
    if (last - first > this.#places.size) {
      for (const number of [...this.#places.keys()]) {
        if (number >= first && number <= last) this.#forget(number, number);
      }
      return;
    }
    for (let number = first; number <= last; number++) {
      const at = this.#places.get(number);
      if (at === undefined) continue;
      this.#places.delete(number);
      this.#free.push(at);
    }
  }

  #forgetAll(): void {
    this.#places.clear();
    this.#free.length = 0;
    this.#end = 0;
  }
}
