/**
 * Flags and keywords of a set of UIDs: one row per block of 128, one change row.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.4.6 (STORE), RFC 7162 §3.1 (modseqs).
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { byModseqKey, uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { type FlagOp, readFlagsStored } from '../records.ts';
import { BlockColumns } from '../rows/block-columns.ts';
import { withFlags } from '../rows/packed-block.ts';
import {
  type Bitmap,
  deletedFlag,
  existsOf,
  popcount,
  seenFlag,
  systemFlags,
  type UidBlock,
} from '../rows/uid-block.ts';
import { addId, packRanges } from '../rows/uid-ranges.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';
import { type MailboxEdit, slotOf } from './mailbox-edit.ts';

export function applyFlagsStored(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const stored = readFlagsStored(record);
  const edit = openAccount(read, stored.account, stored.modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const target = edit.mailbox(stored.mailbox);
  if (target === undefined) return noChanges;
  const { op, flags } = stored;
  const names = op === 'remove' ? target.row.keywords : undefined;
  // Taking a keyword away must not make it known.
  const known = stored.keywords.filter((name) => names === undefined || names.includes(name));
  const keywords = known.map((name) => target.keyword(name)).filter((number) => number >= 0);
  const store = new FlagStore(edit, target, { op, flags, keywords });
  for (let i = 0; i < stored.uids.length; i += 2) store.add(stored.uids[i]!, stored.uids[i + 1]!);
  const changed = store.finish();
  const key = byModseqKey(edit.account, stored.mailbox, edit.modseq);
  if (changed.length > 0) edit.table.putOnly(key, packRanges(changed));
  return edit.finish();
}

interface FlagChange {
  readonly op: FlagOp;
  readonly flags: number;
  readonly keywords: readonly number[];
}

const bitmapBytes = uidBlockSlots / 8;
/** Used within one call. */
const columns = new BlockColumns();

/** Changes block by block: whole columns at a time, of all UIDs that lie in one. */
class FlagStore {
  readonly #edit: AccountEdit;
  readonly #target: MailboxEdit;
  readonly #change: FlagChange;
  /** Of the block that is gathered: -1 before the first. */
  #number = -1;
  readonly #wanted: Bitmap = new Uint8Array(bitmapBytes);
  readonly #changed: number[] = [];

  constructor(edit: AccountEdit, target: MailboxEdit, change: FlagChange) {
    this.#edit = edit;
    this.#target = target;
    this.#change = change;
  }

  /** Ranges ascend. */
  add(first: number, last: number): void {
    for (let uid = first; uid <= last; ) {
      const number = uid >>> uidBlockShift;
      if (number !== this.#number) {
        this.#store();
        this.#number = number;
      }
      const end = Math.min(last, (number + 1) * uidBlockSlots - 1);
      for (let slot = slotOf(uid); slot <= slotOf(end); slot++) {
        this.#wanted[slot >> 3]! |= 1 << (slot & 7);
      }
      uid = end + 1;
    }
  }

  /** UIDs of those that were there. */
  finish(): readonly number[] {
    this.#store();
    return this.#changed;
  }

  #store(): void {
    if (this.#number < 0) return;
    const uid = this.#number * uidBlockSlots;
    const packed = this.#change.keywords.length === 0 ? this.#target.packedBlock(uid) : undefined;
    if (packed === undefined || !this.#storePacked(uid, packed)) this.#storeIn(uid);
    this.#wanted.fill(0);
  }

  /** False: the block must be unpacked. */
  #storePacked(uid: number, packed: Uint8Array): boolean {
    if (!this.#mask(existsOf(packed))) return true;
    const { op, flags } = this.#change;
    const { modseq } = this.#edit;
    const after = withFlags(packed, this.#wanted, op, flags, modseq);
    if (after === undefined) return false;
    const { row } = this.#target;
    row.unseen -= after.seen;
    row.deleted += after.deleted;
    this.#target.putPackedBlock(uid, after.row);
    columns.open(after.row);
    for (let slot = 0; slot < uidBlockSlots; slot++) {
      if (this.#isWanted(slot)) this.#note(uid + slot, columns.document(slot));
    }
    return true;
  }

  #storeIn(uid: number): void {
    const block = this.#target.block(uid);
    if (!this.#mask(block.exists)) return;
    const { op, flags, keywords } = this.#change;
    const wanted = this.#wanted;
    const [unseenBefore, deletedBefore] = [unseenIn(block), deletedIn(block)];
    for (let flag = 0; flag < systemFlags.length; flag++) {
      const isNamed = ((flags >> flag) & 1) === 1;
      if (isNamed || op === 'replace') block.setFlags(wanted, flag, isNamed && op !== 'remove');
    }
    if (op === 'replace') {
      for (const keyword of block.keywords.keys()) block.setKeywords(wanted, keyword, false);
    }
    for (const keyword of keywords) block.setKeywords(wanted, keyword, op !== 'remove');
    this.#target.row.unseen += unseenIn(block) - unseenBefore;
    this.#target.row.deleted += deletedIn(block) - deletedBefore;
    for (let slot = 0; slot < uidBlockSlots; slot++) {
      if (!this.#isWanted(slot)) continue;
      block.modseqs[slot] = this.#edit.modseq;
      this.#note(uid + slot, block.documents[slot]!);
    }
  }

  #note(uid: number, document: number): void {
    addId(this.#changed, uid);
    this.#edit.updated.email.add(document);
  }

  #isWanted(slot: number): boolean {
    return (this.#wanted[slot >> 3]! & (1 << (slot & 7))) !== 0;
  }

  /** Leaves those that exist. False: none does. */
  #mask(exists: Bitmap): boolean {
    let any = 0;
    for (let i = 0; i < bitmapBytes; i++) {
      this.#wanted[i]! &= exists[i]!;
      any |= this.#wanted[i]!;
    }
    return any !== 0;
  }
}

function unseenIn(block: UidBlock): number {
  return block.count - countOf(block, seenFlag);
}

function deletedIn(block: UidBlock): number {
  return countOf(block, deletedFlag);
}

function countOf(block: UidBlock, flag: number): number {
  const column = block.flags[flag];
  return column === undefined ? 0 : popcount(column);
}
