/**
 * One record's work on a mailbox: its counters, its UID blocks and its keywords.
 *
 * Runs in:   engine threads.
 * Invariant: `flush` writes each touched row once.
 */

import type { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import {
  mailboxKey,
  savedRange,
  uidBlockKey,
  uidBlockShift,
  uidBlockSlots,
} from '../../store/keys.ts';
import { encodeMailbox, keywordsMax, type MailboxRow } from '../rows/mailbox-row.ts';
import { withMessage } from '../rows/packed-block.ts';
import { decodeUidBlock, deletedFlag, seenFlag, type UidBlock } from '../rows/uid-block.ts';
import type { AccountEdit, Mutable } from './account-edit.ts';

export class MailboxEdit {
  readonly #edit: AccountEdit;
  readonly mailbox: number;
  readonly row: Mutable<MailboxRow>;
  readonly #blocks = new Map<number, UidBlock>();
  /** Changed and never unpacked. */
  readonly #packed = new Map<number, Uint8Array>();

  constructor(edit: AccountEdit, mailbox: number, row: MailboxRow) {
    this.#edit = edit;
    this.mailbox = mailbox;
    this.row = { ...row, highestModseq: edit.modseq };
  }

  /** The block of a UID, to be changed and written by `flush`. */
  block(uid: number): UidBlock {
    const number = uid >>> uidBlockShift;
    let block = this.#blocks.get(number);
    if (block === undefined) {
      const packed = this.#packed.get(number);
      block = decodeUidBlock(packed ?? this.#edit.table.get(this.#blockKey(number)));
      this.#blocks.set(number, block);
      this.#packed.delete(number);
    }
    return block;
  }

  /** As it is packed, for a change that can be made there; undefined: it is not there, or unpacked already. */
  packedBlock(uid: number): Uint8Array | undefined {
    const number = uid >>> uidBlockShift;
    if (this.#blocks.has(number)) return undefined;
    return this.#packed.get(number) ?? this.#edit.table.get(this.#blockKey(number));
  }

  /** In place of what `packedBlock` gave; some of its messages exist. */
  putPackedBlock(uid: number, row: Uint8Array): void {
    this.#packed.set(uid >>> uidBlockShift, row);
  }

  /** The keyword's number, given now where it is new; -1 where the mailbox has no room for one more. */
  keyword(name: string): number {
    const known = this.row.keywords.indexOf(name);
    if (known >= 0) return known;
    if (this.row.keywords.length >= keywordsMax) return -1;
    this.row.keywords = [...this.row.keywords, name];
    return this.row.keywords.length - 1;
  }

  add(
    uid: number,
    document: number,
    size: number,
    flags: number,
    keywords: readonly number[],
  ): void {
    const packed = keywords.length === 0 ? this.#firstPacked(uid) : undefined;
    if (packed !== undefined) {
      const { modseq } = this.#edit;
      this.putPackedBlock(uid, withMessage(packed, slotOf(uid), document, modseq, flags));
    } else this.#addTo(this.block(uid), slotOf(uid), document, flags, keywords);
    this.row.messages++;
    this.row.bytes += size;
    if (((flags >> seenFlag) & 1) === 0) this.row.unseen++;
    if (((flags >> deletedFlag) & 1) === 1) this.row.deleted++;
    if (uid >= this.row.recentUid) this.row.recent++;
    if (uid >= this.row.uidNext) this.row.uidNext = uid + 1;
  }

  /** The UID's block, where this record did not change it yet and the UID lies behind all others. */
  #firstPacked(uid: number): Uint8Array | undefined {
    const number = uid >>> uidBlockShift;
    // Many at once are put into the unpacked block: each would copy it.
    if (this.#packed.has(number)) return undefined;
    const packed = this.packedBlock(uid);
    return packed !== undefined && packed[1]! <= slotOf(uid) ? packed : undefined;
  }

  #addTo(
    block: UidBlock,
    slot: number,
    document: number,
    flags: number,
    keywords: readonly number[],
  ): void {
    assert(!block.has(slot), 'a new UID is free');
    block.add(slot, document, this.#edit.modseq);
    for (let flag = 0; flags >> flag !== 0; flag++) {
      if ((flags >> flag) & 1) block.setFlag(slot, flag, true);
    }
    for (const keyword of keywords) if (keyword >= 0) block.setKeyword(slot, keyword, true);
  }

  /** The document that was there. */
  remove(uid: number, size: number): void {
    const block = this.block(uid);
    const slot = slotOf(uid);
    this.row.messages--;
    this.row.bytes -= size;
    if (!block.hasFlag(slot, seenFlag)) this.row.unseen--;
    if (block.hasFlag(slot, deletedFlag)) this.row.deleted--;
    if (uid >= this.row.recentUid) this.row.recent--;
    block.remove(slot);
  }

  flush(): void {
    const { table, account } = this.#edit;
    for (const [number, block] of this.#blocks) {
      const key = this.#blockKey(number);
      if (block.count === 0) this.#removeBlock(number, key);
      else table.putOnly(key, block.encode());
    }
    for (const [number, row] of this.#packed) table.putOnly(this.#blockKey(number), row);
    table.putOnly(mailboxKey(account, this.mailbox), encodeMailbox(this.row));
    this.#edit.updated.mailbox.add(this.mailbox);
  }

  #removeBlock(number: number, key: Buffer): void {
    const { table, account } = this.#edit;
    table.remove(key);
    const first = number * uidBlockSlots;
    const saved = savedRange(account, this.mailbox, first, first + uidBlockSlots - 1);
    // One by one: a range costs the index a turn of its own.
    for (const row of table.keys(saved)) table.remove(row);
  }

  #blockKey(number: number): Buffer {
    return uidBlockKey(this.#edit.account, this.mailbox, number);
  }
}

export function slotOf(uid: number): number {
  return uid & ((1 << uidBlockShift) - 1);
}
