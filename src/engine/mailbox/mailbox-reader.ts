/**
 * What mailboxes hold, as journaled: lists, counters, messages, changes.
 *
 * Runs in:   the engine thread that owns the shard; reads at once, but for message bytes.
 * Limits:    a list answers at most `limit` entries; callers ask for the next ones.
 */

import { copiesTooMany } from '../../actors/asks/imap-asks.ts';
import type { ExportWindow, PackedExport } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import {
  accountKey,
  accountRange,
  changesSince,
  documentKey,
  lastU32,
  mailboxKey,
  mailboxRange,
  modseqAt,
  parsedKey,
  tables,
  uidBlockKey,
  uidBlockRange,
  uidBlockShift,
  uidBlockSlots,
} from '../store/keys.ts';
import { exportWindow } from './export.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { type AccountRow, decodeAccount, deletedAccount } from './rows/account-row.ts';
import { type Change, decodeChanges } from './rows/change-row.ts';
import { type DocumentRow, decodeDocument, placesMax } from './rows/document-row.ts';
import { decodeMailbox, isHidden, type MailboxRow } from './rows/mailbox-row.ts';
import { decodeParsed, type Parsed } from './rows/parsed-row.ts';
import { type Bitmap, decodeUidBlock, existsOf, systemFlags } from './rows/uid-block.ts';
import { addId, type IdRanges } from './rows/uid-ranges.ts';

export interface NumberedMailbox {
  readonly mailbox: number;
  readonly row: MailboxRow;
}

export interface MessageEntry {
  readonly uid: number;
  readonly document: number;
  readonly modseq: number;
  /** System flags, then keywords. */
  readonly flags: readonly string[];
}

export interface ChangesAt {
  readonly modseq: number;
  readonly changes: readonly Change[];
}

export class MailboxReader {
  readonly #shard: MailboxShard;

  constructor(shard: MailboxShard) {
    this.#shard = shard;
  }

  /** Undefined before the first delivery or `account.create`, and after a deletion. */
  account(account: number): AccountRow | undefined {
    const value = this.#shard.get(accountKey(account));
    const row = value === undefined ? undefined : decodeAccount(value);
    return row?.mailboxNext === deletedAccount ? undefined : row;
  }

  /** Deleted ones among them; 0: there was none. */
  highestAccount(): number {
    const everyAccount = { from: accountKey(0), to: accountRange(tables.account, 0xffff_ffff).to };
    const [last] = this.#shard.range({ ...everyAccount, reverse: true, limit: 1 });
    return last === undefined ? 0 : lastU32(last.key);
  }

  /** Those that are shown. */
  mailboxes(account: number): NumberedMailbox[] {
    return this.allMailboxes(account).filter(({ row }) => !isHidden(row.role));
  }

  /** Hidden ones with them. */
  allMailboxes(account: number): NumberedMailbox[] {
    return this.#shard
      .range(accountRange(tables.mailbox, account))
      .map(({ key, value }) => ({ mailbox: lastU32(key), row: decodeMailbox(value) }));
  }

  mailbox(account: number, mailbox: number): MailboxRow | undefined {
    const value = this.#shard.get(mailboxKey(account, mailbox));
    return value === undefined ? undefined : decodeMailbox(value);
  }

  /** Messages from UID `from` up, ascending. */
  messages(account: number, mailbox: number, from: number, limit: number): MessageEntry[] {
    const names = this.mailbox(account, mailbox)?.keywords ?? [];
    const entries: MessageEntry[] = [];
    const all = mailboxRange(tables.uidBlock, account, mailbox);
    let start: Uint8Array = uidBlockRange(account, mailbox, from >>> uidBlockShift, 0).from;
    while (entries.length < limit) {
      const [found] = this.#shard.range({ from: start, to: all.to, limit: 1 });
      if (found === undefined) break;
      const number = lastU32(found.key);
      const block = decodeUidBlock(found.value);
      for (const slot of block.slots()) {
        const uid = number * 2 ** uidBlockShift + slot;
        if (uid < from || entries.length === limit) continue;
        const flags: string[] = systemFlags.filter((_, flag) => block.hasFlag(slot, flag));
        names.forEach((name, keyword) => {
          if (block.hasKeyword(slot, keyword)) flags.push(name);
        });
        const document = block.documents[slot]!;
        entries.push({ uid, document, modseq: block.modseqs[slot]!, flags });
      }
      start = Buffer.concat([found.key, Buffer.of(0)]);
    }
    return entries;
  }

  document(account: number, document: number): DocumentRow | undefined {
    const value = this.#shard.get(documentKey(account, document));
    return value === undefined ? undefined : decodeDocument(value);
  }

  /** The message's bytes, as stored; of a larger one, as many as `bytesMax`. */
  async bytes({ place, size }: DocumentRow, bytesMax = size): Promise<Uint8Array> {
    const lease = this.#shard.lease(place.segment);
    try {
      return await this.#shard.read(place, 0, Math.min(size, bytesMax));
    } finally {
      lease.release();
    }
  }

  async parsed(account: number, document: number): Promise<Parsed | undefined> {
    const value = this.#shard.get(parsedKey(account, document));
    if (value === undefined) return undefined;
    const row = decodeParsed(value);
    if (row.kind === 'here') return row.parsed;
    const lease = this.#shard.lease(row.place.segment);
    try {
      const stored = decodeParsed(await this.#shard.read(row.place));
      return stored.kind === 'here' ? stored.parsed : undefined;
    } finally {
      lease.release();
    }
  }

  /** Messages with their bytes; see `export.ts`. @throws MailError `not-found` */
  export(
    packed: PackedExport,
  ): Promise<{ readonly value: ExportWindow; readonly body: Uint8Array }> {
    return exportWindow({ shard: this.#shard, reader: this }, packed);
  }

  /** What changed after `modseq`, oldest first. */
  changes(account: number, modseq: number, limit: number): ChangesAt[] {
    return this.#shard
      .range({ ...changesSince(account, modseq), limit })
      .map(({ key, value }) => ({ modseq: modseqAt(key, 5), changes: decodeChanges(value) }));
  }
}

export interface Existing {
  readonly uid: number;
  readonly document: number;
  readonly modseq: number;
}

/** Those of `wanted` that exist, ascending. */
export function* existing(
  shard: Pick<MailboxShard, 'range'>,
  account: number,
  mailbox: number,
  wanted: IdRanges,
): IterableIterator<Existing> {
  for (let i = 0; i < wanted.length; i += 2) {
    const first = wanted[i]!;
    const last = wanted[i + 1]!;
    const range = uidBlockRange(account, mailbox, first >>> uidBlockShift, last >>> uidBlockShift);
    for (const { key, value } of shard.range(range)) {
      const base = lastU32(key) * 2 ** uidBlockShift;
      const block = decodeUidBlock(value);
      for (const slot of block.slots()) {
        const uid = base + slot;
        if (uid >= first && uid <= last)
          yield { uid, document: block.documents[slot]!, modseq: block.modseqs[slot]! };
      }
    }
  }
}

/** As `existingUids`, of few: a set within one block costs one look. */
export function fewExistingUids(
  shard: Pick<MailboxShard, 'peek' | 'each'>,
  account: number,
  mailbox: number,
  wanted: IdRanges,
): IdRanges {
  if (wanted.length === 0) return wanted;
  const block = wanted[0]! >>> uidBlockShift;
  if (wanted.at(-1)! >>> uidBlockShift !== block) {
    return existingUids(shard, account, mailbox, wanted);
  }
  const row = shard.peek(uidBlockKey(account, mailbox, block));
  const found: number[] = [];
  for (let i = 0; row !== undefined && i < wanted.length; i += 2) {
    addExisting(found, block * uidBlockSlots, existsOf(row), wanted[i]!, wanted[i + 1]!);
  }
  return found;
}

export function existingUids(
  shard: Pick<MailboxShard, 'each'>,
  account: number,
  mailbox: number,
  wanted: IdRanges,
): IdRanges {
  const found: number[] = [];
  for (let i = 0; i < wanted.length; i += 2) {
    const first = wanted[i]!;
    const last = wanted[i + 1]!;
    const range = uidBlockRange(account, mailbox, first >>> uidBlockShift, last >>> uidBlockShift);
    shard.each(range.from, range.to, (key, value) => {
      addExisting(found, lastU32(key) * uidBlockSlots, existsOf(value), first, last);
      return true;
    });
  }
  return found;
}

/**
 * A document's row names all its places: it must not grow without end, whether its messages are copied one by one or
 * together.
 * @throws MailError `not-possible-now`, its detail `copiesTooMany`
 */
export function mustFitPlaces(
  shard: Pick<MailboxShard, 'peek' | 'range'>,
  account: number,
  mailbox: number,
  uids: IdRanges,
): void {
  const copies = new Map<number, number>();
  for (const { document } of existing(shard, account, mailbox, uids)) {
    copies.set(document, (copies.get(document) ?? 0) + 1);
  }
  for (const [document, count] of copies) {
    const row = shard.peek(documentKey(account, document));
    const room = placesMax - count;
    // A place is two numbers of an octet at least: most rows are too short to be looked at.
    if (row === undefined || row.byteLength <= room * 2) continue;
    if (decodeDocument(row).places.length / 2 > room) {
      throw new MailError('not-possible-now', copiesTooMany);
    }
  }
}

function addExisting(
  found: number[],
  base: number,
  exists: Bitmap,
  first: number,
  last: number,
): void {
  const from = Math.max(0, first - base);
  const to = Math.min(uidBlockSlots - 1, last - base);
  for (let slot = from; slot <= to; slot++) {
    if ((exists[slot >> 3]! & (1 << (slot & 7))) !== 0) addId(found, base + slot);
  }
}

/** Up to which modseqs rows of changes are forgotten; 0: none is. */
export function floorsOf(
  shard: Pick<MailboxShard, 'get'>,
  account: number,
  mailbox: number,
): Pick<MailboxRow, 'vanishedFloor' | 'modseqFloor'> {
  const value = shard.get(mailboxKey(account, mailbox));
  return value === undefined ? noFloors : decodeMailbox(value);
}

const noFloors = { vanishedFloor: 0, modseqFloor: 0 };
