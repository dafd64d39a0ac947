/**
 * One record's work on an account: its counters, its mailboxes and what it tells of the change.
 *
 * Runs in:   engine threads.
 * Invariant: opened only for a record above the account row's modseq; `finish` writes each touched row once.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  accountKey,
  changeKey,
  deliveriesBefore,
  deliveryKey,
  documentKey,
  mailboxKey,
  threadKey,
} from '../../store/keys.ts';
import type { RecordPlace, ShardReader } from '../../store/record.ts';
import type { AskName } from '../records.ts';
import {
  type AccountRow,
  decodeAccount,
  deletedAccount,
  encodeAccount,
} from '../rows/account-row.ts';
import { type Change, type ChangeType, changeTypes, encodeChanges } from '../rows/change-row.ts';
import { type DocumentRow, decodeDocument, encodeDocument } from '../rows/document-row.ts';
import { IdList } from '../rows/id-list.ts';
import { decodeMailbox, type MailboxRow } from '../rows/mailbox-row.ts';
import { packRow } from '../rows/packing.ts';
import { decodeThread, encodeThread, type ThreadRow } from '../rows/thread-row.ts';
import { rangesOf } from '../rows/uid-ranges.ts';
import { MailboxEdit } from './mailbox-edit.ts';
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

type Ids = Readonly<Record<ChangeType, Set<number>>>;

const noneYet = (): Ids => ({ email: new Set(), mailbox: new Set(), thread: new Set() });
/** Of those that are not made: nothing is put into it. */
const noIds = new Set<number>();

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Ids in one change row: its packed ranges stay within the index's value limit whatever their gaps. */
const changeIdsMax = 4_000;

export class AccountEdit {
  readonly table: TableEdit;
  readonly account: number;
  readonly modseq: number;
  readonly row: Mutable<AccountRow>;
  /** What was made or ended in the same record is left out in the end. */
  readonly updated = { email: new IdList(), mailbox: new IdList(), thread: new IdList() };
  /** Bodies that no row leads to any more. */
  readonly released: RecordPlace[] = [];
  // Made when they are asked for: a change of flags needs none of them.
  #created: Ids | undefined;
  #destroyed: Ids | undefined;
  #documents: OpenRows<DocumentRow> | undefined;
  #threads: OpenRows<ThreadRow> | undefined;
  readonly #mailboxes = new Map<number, MailboxEdit>();

  constructor(table: TableEdit, account: number, modseq: number, row: AccountRow) {
    this.table = table;
    this.account = account;
    this.modseq = modseq;
    this.row = { ...row, modseq };
  }

  get created(): Ids {
    this.#created ??= noneYet();
    return this.#created;
  }

  get destroyed(): Ids {
    this.#destroyed ??= noneYet();
    return this.#destroyed;
  }

  get documents(): OpenRows<DocumentRow> {
    this.#documents ??= new OpenRows(this.table, this.account, documentKind);
    return this.#documents;
  }

  get threads(): OpenRows<ThreadRow> {
    this.#threads ??= new OpenRows(this.table, this.account, threadKind);
    return this.#threads;
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

  /** Where the message went; no hash: the delivery has no name. */
  rememberDelivery(day: number, hash: Uint8Array, place: readonly [number, number, number]): void {
    if (hash.length > 0) this.table.putOnly(deliveryKey(this.account, day, hash), packRow(place));
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
    this.#documents?.flush();
    this.#threads?.flush();
    this.table.putOnly(accountKey(this.account), encodeAccount(this.row));
    this.#writeChanges();
    return this.table.changes;
  }

  #writeChanges(): void {
    const changes: Change[] = [];
    for (const type of changeTypes) {
      const created = this.#created?.[type] ?? noIds;
      const destroyed = this.#destroyed?.[type] ?? noIds;
      const updated = this.updated[type].rangesWithout(created, destroyed);
      // Made and gone in one record: nobody has heard of it.
      if (destroyed.size > 0) {
        for (const id of created) if (destroyed.delete(id)) created.delete(id);
      }
      if (created.size > 0)
        changes.push({ type, op: 'created', ids: rangesOf(ascending(created)) });
      if (updated.length > 0) changes.push({ type, op: 'updated', ids: updated });
      if (destroyed.size > 0) {
        changes.push({ type, op: 'destroyed', ids: rangesOf(ascending(destroyed)) });
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
