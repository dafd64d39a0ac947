/**
 * Messages that left their last mailbox: kept for a time, had back, or let go for good.
 *
 * Runs in:   engine threads.
 * Invariant: a kept document has its row, its parsed row and its body, and no place; nothing else leads to it, and the
 *            quota does not count it.
 */

import { Buffer } from 'node:buffer';
import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  accountKey,
  blobLinkKey,
  byDateKey,
  byModseqKey,
  documentKey,
  keptKey,
  mailboxKey,
  messageBlob,
  parsedKey,
} from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { readPurged, readRestored } from '../kept-records.ts';
import type { Keeping } from '../records.ts';
import { encodeAccount } from '../rows/account-row.ts';
import type { KeptDocument } from '../rows/document-row.ts';
import { decodeKept, encodeKept } from '../rows/kept-row.ts';
import { decodeMailbox } from '../rows/mailbox-row.ts';
import { decodeParsed } from '../rows/parsed-row.ts';
import { savedRows } from '../rows/saved-row.ts';
import { systemFlags } from '../rows/uid-block.ts';
import { idsOf, packRanges, rangesOf } from '../rows/uid-ranges.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';
import type { Release } from './copied.ts';
import { uidValue } from './documents.ts';
import { type MailboxEdit, slotOf } from './mailbox-edit.ts';
import { joinThread } from './threads.ts';

const noBytes = Buffer.alloc(0);
/** Parents above a mailbox that are looked at: renames make no circles, but a row may be damaged. */
const levelsMax = 64;

/** What one record expunges from one mailbox and keeps. */
export class KeepEdit {
  readonly #edit: AccountEdit;
  readonly #from: MailboxEdit;
  readonly #keeping: Keeping;
  readonly #documents: number[] = [];

  constructor(edit: AccountEdit, from: MailboxEdit, keeping: Keeping) {
    this.#edit = edit;
    this.#from = from;
    this.#keeping = keeping;
  }

  /** What is kept of a message, before it leaves its block. */
  ofMessage(uid: number): KeptDocument {
    const block = this.#from.block(uid);
    const slot = slotOf(uid);
    let flags = 0;
    for (let flag = 0; flag < systemFlags.length; flag++) {
      if (block.hasFlag(slot, flag)) flags |= 1 << flag;
    }
    const keywords: string[] = [];
    for (const keyword of block.keywords.keys()) {
      if (block.hasKeyword(slot, keyword)) keywords.push(this.#from.row.keywords[keyword]!);
    }
    return { modseq: this.#edit.modseq, untilMs: this.#keeping.untilMs, flags, keywords };
  }

  kept(document: number): void {
    this.#documents.push(document);
  }

  /** Writes the row that leads to what was kept. */
  finish(tenant: number): void {
    if (this.#documents.length === 0) return;
    const { account, modseq, table } = this.#edit;
    const { expungedMs, untilMs } = this.#keeping;
    const documents = rangesOf(this.#documents.sort((a, b) => a - b));
    const { mailbox } = this.#from;
    const row = { tenant, mailbox, path: this.#path(), expungedMs, documents };
    table.putOnly(keptKey(account, untilMs, modseq), encodeKept(row));
  }

  #path(): string {
    const names = [this.#from.row.name];
    let { parent } = this.#from.row;
    for (let level = 0; parent !== 0 && level < levelsMax; level++) {
      const value = this.#edit.table.get(mailboxKey(this.#edit.account, parent));
      if (value === undefined) break;
      const row = decodeMailbox(value);
      names.unshift(row.name);
      parent = row.parent;
    }
    return names.join('/');
  }
}

export function applyRestored(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const restored = readRestored(record);
  const edit = openAccount(read, restored.account, restored.modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const { account, modseq, mailbox, uid, document, thread } = restored;
  const target = edit.mailbox(mailbox);
  const row = edit.documents.get(document);
  if (target === undefined || row?.kept === undefined) return noChanges;
  const { kept, ...rest } = row;
  const { size, internalMs, hash } = row;
  const keywords = kept.keywords.map((name) => target.keyword(name));
  target.add(uid, document, size, kept.flags, keywords);
  const { table } = edit;
  const place = { ...rest, thread, places: [mailbox, uid] };
  edit.documents.put(document, place);
  table.putOnly(byDateKey(account, mailbox, internalMs, document), uidValue(uid));
  table.putOnly(byModseqKey(account, mailbox, modseq), packRanges([uid, uid]));
  table.putOnly(blobLinkKey(hash, messageBlob, account, document), noBytes);
  joinThread(edit, { ...restored, internalMs });
  const saved = savedRows(account, mailbox, uid, uid, restored.savedMs);
  for (const [key, value] of saved) table.putOnly(key, value);
  edit.row.documents++;
  edit.row.bytes += size;
  edit.row.threadNext = Math.max(edit.row.threadNext, thread + 1);
  edit.created.email.add(document);
  return edit.finish();
}

/** Nobody sees it: it leaves no change behind. */
export function applyPurged(
  record: JournalRecord,
  read: ShardReader,
  release: Release,
): readonly IndexChange[] {
  const { account, modseq, untilMs, keptModseq } = readPurged(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const { table } = edit;
  const key = keptKey(account, untilMs, keptModseq);
  const value = table.get(key);
  if (value === undefined) return noChanges;
  for (const document of idsOf(decodeKept(value).documents)) {
    const row = edit.documents.get(document);
    // Had back since, and perhaps expunged anew.
    if (row?.kept?.modseq !== keptModseq) continue;
    release(row.place);
    const parsed = table.get(parsedKey(account, document));
    const parsedRow = parsed === undefined ? undefined : decodeParsed(parsed);
    if (parsedRow?.kind === 'record') release(parsedRow.place);
    table.remove(documentKey(account, document));
    table.remove(parsedKey(account, document));
  }
  table.remove(key);
  table.putOnly(accountKey(account), encodeAccount(edit.row));
  return table.changes;
}
