/**
 * One record's work on an account: its counters, its mailboxes and what it tells of the change.
 *
 * Runs in:   engine threads.
 * Invariant: opened only for a record above the account row's modseq; `finish` writes each touched row once.
 */

import { assert } from '../../../base/assert.ts';
import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  accountKey,
  changeKey,
  deliveriesBefore,
  deliveryKey,
  documentKey,
  mailboxKey,
  savedRange,
  threadKey,
  uidBlockKey,
  uidBlockShift,
  uidBlockSlots,
} from '../../store/keys.ts';
import type { RecordPlace, ShardReader } from '../../store/record.ts';
import type { AskName } from '../records.ts';
import {
  type AccountRow,
  decodeAccount,
  deletedAccount,
  encodeAccount,
} from '../rows/account-row.ts';
import { type Change, encodeChanges } from '../rows/change-row.ts';
import { type DocumentRow, decodeDocument, encodeDocument } from '../rows/document-row.ts';
import { IdList } from '../rows/id-list.ts';
import { decodeMailbox, encodeMailbox, keywordsMax, type MailboxRow } from '../rows/mailbox-row.ts';
import { packRow } from '../rows/packing.ts';
import { decodeThread, encodeThread, type ThreadRow } from '../rows/thread-row.ts';
import { decodeUidBlock, deletedFlag, seenFlag, type UidBlock } from '../rows/uid-block.ts';
import { rangesOf } from '../rows/uid-ranges.ts';
import { OpenRows } from './open-rows.ts';
import { TableEdit } from './table-edit.ts';
import { noHeads, writeThreadDates } from './thread-dates.ts';

const documentKind = { key: documentKey, encode: encodeDocument, decode: decodeDocument };
const threadKind = {
  key: threadKey,
  encode: encodeThread,
  decode: decodeThread,
  changed: (
    table: TableEdit,
    account: number,
    thread: number,
    before: ThreadRow | undefined,
    after: ThreadRow | undefined,
  ) => writeThreadDates(table, account, thread, before?.heads ?? noHeads, after?.heads ?? noHeads),
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Ids in one change row: its packed ranges stay within the index's value limit whatever their gaps. */
const changeIdsMax = 4_000;

export class AccountEdit {
  readonly table: TableEdit;
  readonly account: number;
  readonly modseq: number;
  readonly row: Mutable<AccountRow>;
  readonly created = {
    email: new Set<number>(),
    mailbox: new Set<number>(),
    thread: new Set<number>(),
  };
  /** What was made or ended in the same record is left out in the end. */
  readonly updated = { email: new IdList(), mailbox: new IdList(), thread: new IdList() };
  readonly destroyed = {
    email: new Set<number>(),
    mailbox: new Set<number>(),
    thread: new Set<number>(),
  };
  readonly documents: OpenRows<DocumentRow>;
  readonly threads: OpenRows<ThreadRow>;
  /** Bodies that no row leads to any more. */
  readonly released: RecordPlace[] = [];
  readonly #mailboxes = new Map<number, MailboxEdit>();

  constructor(table: TableEdit, account: number, modseq: number, row: AccountRow) {
    this.table = table;
    this.account = account;
    this.modseq = modseq;
    this.row = { ...row, modseq };
    this.documents = new OpenRows(table, account, documentKind);
    this.threads = new OpenRows(table, account, threadKind);
  }

  /** Undefined where the mailbox is not, or no longer. */
  mailbox(mailbox: number): MailboxEdit | undefined {
    const known = this.#mailboxes.get(mailbox);
    if (known !== undefined) return known;
    const value = this.table.get(mailboxKey(this.account, mailbox));
    if (value === undefined) return undefined;
    const edit = new MailboxEdit(this, mailbox, decodeMailbox(value));
    this.#mailboxes.set(mailbox, edit);
    return edit;
  }

  addMailbox(mailbox: number, row: MailboxRow): void {
    this.#mailboxes.set(mailbox, new MailboxEdit(this, mailbox, row));
    this.created.mailbox.add(mailbox);
  }

  /** Nothing of the mailbox is written any more. */
  dropMailbox(mailbox: number): void {
    this.#mailboxes.delete(mailbox);
    this.destroyed.mailbox.add(mailbox);
  }

  /** What was done under the name, and to which mailbox. */
  rememberAsk({ day, hash }: AskName, mailbox: number): void {
    if (hash.length === 0) return;
    this.table.putOnly(deliveryKey(this.account, day, hash), packRow([mailbox]));
  }

  /** Names of deliveries and copies from before `day` are not asked for any more. */
  forgetDeliveries(day: number): void {
    if (day <= this.row.deliveriesDay) return;
    const { from, to } = deliveriesBefore(this.account, day);
    this.table.removeRange(from, to);
    this.row.deliveriesDay = day;
  }

  finish(): readonly IndexChange[] {
    for (const mailbox of this.#mailboxes.values()) mailbox.flush();
    this.documents.flush();
    this.threads.flush();
    this.table.putOnly(accountKey(this.account), encodeAccount(this.row));
    this.#writeChanges();
    return this.table.changes;
  }

  #writeChanges(): void {
    const changes: Change[] = [];
    for (const type of ['email', 'mailbox', 'thread'] as const) {
      const created = this.created[type];
      const destroyed = this.destroyed[type];
      const updated = this.updated[type].rangesWithout(created, destroyed);
      // Made and gone in one record: nobody has heard of it.
      for (const id of created) if (destroyed.delete(id)) created.delete(id);
      for (const [op, ids] of [
        ['created', rangesOf(ascending(created))],
        ['updated', updated],
        ['destroyed', rangesOf(ascending(destroyed))],
      ] as const) {
        if (ids.length > 0) changes.push({ type, op, ids });
      }
    }
    let part = 0;
    for (const row of changeRows(changes)) {
      this.table.putOnly(changeKey(this.account, this.modseq, part++), encodeChanges(row));
    }
  }
}

/** Numbers in a typed array sort without a call for each two of them. */
function ascending(ids: ReadonlySet<number>): Iterable<number> {
  return ids.size < 2 ? ids : Uint32Array.from(ids).sort();
}

/** Splits what is too much for one row. */
function changeRows(changes: readonly Change[]): readonly (readonly Change[])[] {
  const total = changes.reduce((sum, change) => sum + change.ids.length, 0);
  if (total <= changeIdsMax) return [changes];
  const rows: Change[][] = [];
  for (const change of changes) {
    for (let i = 0; i < change.ids.length; i += changeIdsMax) {
      rows.push([{ ...change, ids: change.ids.slice(i, i + changeIdsMax) }]);
    }
  }
  return rows;
}

export class MailboxEdit {
  readonly #edit: AccountEdit;
  readonly mailbox: number;
  readonly row: Mutable<MailboxRow>;
  readonly #blocks = new Map<number, UidBlock>();

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
      block = decodeUidBlock(this.#edit.table.get(this.#blockKey(number)));
      this.#blocks.set(number, block);
    }
    return block;
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
    const block = this.block(uid);
    const slot = slotOf(uid);
    assert(!block.has(slot), 'a new UID is free');
    block.add(slot, document, this.#edit.modseq);
    for (let flag = 0; flags >> flag !== 0; flag++) {
      if ((flags >> flag) & 1) block.setFlag(slot, flag, true);
    }
    for (const keyword of keywords) if (keyword >= 0) block.setKeyword(slot, keyword, true);
    this.row.messages++;
    this.row.bytes += size;
    if (!block.hasFlag(slot, seenFlag)) this.row.unseen++;
    if (block.hasFlag(slot, deletedFlag)) this.row.deleted++;
    if (uid >= this.row.recentUid) this.row.recent++;
    if (uid >= this.row.uidNext) this.row.uidNext = uid + 1;
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

/** Where the account stands for a record of `modseq`. */
export type AccountState =
  /** Not there: it was deleted since, or the record is older than its deletion. */
  | 'gone'
  /** This record, or a later one of the account, has been applied. */
  | 'applied'
  | AccountEdit;

export function openAccount(read: ShardReader, account: number, modseq: number): AccountState {
  const value = read.get(accountKey(account));
  if (value === undefined) return 'gone';
  const row = decodeAccount(value);
  if (row.mailboxNext === deletedAccount) return 'gone';
  if (modseq <= row.modseq) return 'applied';
  return new AccountEdit(new TableEdit(read), account, modseq, row);
}
