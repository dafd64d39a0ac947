/**
 * The key map of a shard's index: every table, on one page.
 *
 * Runs in:   engine threads; pure (hot path: a message makes about a dozen keys).
 * Invariant: a key is the table's byte, then big-endian fields of fixed width: keys sort as their fields do, and a
 *            table, an account or a mailbox is one range. A table's number is never used for something else.
 *
 *   a account, m mailbox, u uid, d document, t thread: u32 · s modseq: u64 · date: u48 ms, inverted
 *
 *   0x00–0x1f  the store itself: applied position, checkpoints          engine/store
 *   0x00 0x03  events     –                      place in the journal   engine/events/journal-follower.ts
 *   0x20 queue            message id             waiting message        engine/spool/queue-rows.ts
 *   0x21 due              instant · message id   –                      engine/spool/queue-rows.ts
 *   0x22 ready            site · tenant · rank · instant · message id   engine/spool/queue-rows.ts
 *   0x23 keyed            hash                   message id, instant    engine/spool/repeats.ts
 *   0x24 keyed by age     instant · hash         –                      engine/spool/repeats.ts
 *   0x40 account          a                      counters               rows/account-row.ts
 *   0x41 mailbox          a·m                    name, counters         rows/mailbox-row.ts
 *   0x42 uid block        a·m·(u>>7)             128 UIDs as columns    rows/uid-block.ts
 *   0x43 seen             a·m·reader·(u>>7)      128 bits: a reader's \Seen where it is not the owner's
 *   0x44 document         a·d                    place, dates, where    rows/document-row.ts
 *   0x45 parsed           a·d                    ENVELOPE and the like  rows/parsed-row.ts
 *   0x46 change           a·s·n                  what changed           rows/change-row.ts
 *   0x47 by modseq        a·m·s                  UID ranges             rows/uid-ranges.ts
 *   0x48 vanished         a·m·s                  UID ranges             rows/uid-ranges.ts
 *   0x49 by date          a·m·date·d             uid
 *   0x4a by thread date   a·m·date·t             –
 *   0x4b thread           a·t                    members                rows/thread-row.ts
 *   0x4c message-id       a·hash                 thread candidates      rows/thread-row.ts
 *   0x4d blob link        sha256·kind·a·d        –
 *   0x4e delivery         a·day·hash             mailbox, uid, document
 *   0x4f subscription     a·path (UTF-8)         1: on, 0: off
 *   0x50 saved            a·m·u                  last UID, when         rows/saved-row.ts
 *   0x58 kept             a·until·s              expunged together      rows/kept-row.ts
 *   0x5a acl              a·m                    access list            rows/acl-row.ts
 *   0x5b script           a·name·0·n             part of its text       rows/script-row.ts
 *   0x5b …                a·0·0                  the active one's name  rows/script-row.ts
 *   0x5c remembered       a·hash                 when, until when       rows/remembered-row.ts
 *   0x5c …                a·0 (16 bytes)         how many               rows/remembered-row.ts
 *   0x5d remembered till  a·until·hash           –                      rows/remembered-row.ts
 *   0x60 quarantine       a                      which mailbox          rows/quarantine-row.ts
 *   0x61 lesson           a·d                    features, kind         rows/lesson-row.ts
 *   0x63 taught           a                      whose, when last       rows/taught-row.ts
 *   0x62 snoozed          a·until·m·u            where it goes then     rows/snoozed-row.ts
 *   0x59 annotation       a·m·reader·entry·0·n   part of a value        rows/annotation-row.ts
 *   0x59 …                a·m·ffffffff           names changed last     rows/annotation-row.ts
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../base/assert.ts';

export const tables = {
  account: 0x40,
  mailbox: 0x41,
  uidBlock: 0x42,
  seen: 0x43,
  document: 0x44,
  parsed: 0x45,
  change: 0x46,
  byModseq: 0x47,
  vanished: 0x48,
  byDate: 0x49,
  byThreadDate: 0x4a,
  thread: 0x4b,
  messageId: 0x4c,
  blobLink: 0x4d,
  delivery: 0x4e,
  subscription: 0x4f,
  saved: 0x50,
  kept: 0x58,
  acl: 0x5a,
  annotation: 0x59,
  script: 0x5b,
  remembered: 0x5c,
  rememberedTill: 0x5d,
  quarantine: 0x60,
  lesson: 0x61,
  snoozed: 0x62,
  taught: 0x63,
} as const;

/** Tables whose keys start with the account: all of one account's rows are these ranges and its blob links. */
export const accountTables: readonly number[] = Object.values(tables).filter(
  (table) => table !== tables.blobLink,
);

export const uidBlockShift = 7;
export const uidBlockSlots = 1 << uidBlockShift;
/** Kinds of blob links. */
export const messageBlob = 1;

export const messageIdHashBytes = 8;
export const deliveryHashBytes = 12;
const blobHashBytes = 32;
export const dateMsMax = 2 ** 48 - 1;

export interface KeyRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

export const accountKey = (account: number) => key1(tables.account, account);
export const mailboxKey = (account: number, mailbox: number) =>
  key2(tables.mailbox, account, mailbox);
export const uidBlockKey = (account: number, mailbox: number, block: number) =>
  key3(tables.uidBlock, account, mailbox, block);
export const savedKey = (account: number, mailbox: number, uid: number) =>
  key3(tables.saved, account, mailbox, uid);
export const aclKey = (account: number, mailbox: number) => key2(tables.acl, account, mailbox);
export const lessonKey = (account: number, document: number) =>
  key2(tables.lesson, account, document);
export const quarantineKey = (account: number) => key1(tables.quarantine, account);
export const aclRange = (account: number): KeyRange => accountRange(tables.acl, account);

/** From an account on. */
export const quarantinesFrom = (account: number): KeyRange => ({
  from: key1(tables.quarantine, account),
  to: Buffer.of(tables.quarantine + 1),
});

/** Rows of a reader who is not the owner. */
export function seenKey(account: number, mailbox: number, reader: number, block: number): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = tables.seen;
  key.writeUInt32BE(account, 1);
  key.writeUInt32BE(mailbox, 5);
  key.writeUInt32BE(reader, 9);
  key.writeUInt32BE(block, 13);
  return key;
}

export function seenReaderRange(account: number, mailbox: number, reader: number): KeyRange {
  const prefix = key3(tables.seen, account, mailbox, reader);
  return { from: prefix, to: upTo(prefix) };
}

export const documentKey = (account: number, document: number) =>
  key2(tables.document, account, document);
export const parsedKey = (account: number, document: number) =>
  key2(tables.parsed, account, document);
export const threadKey = (account: number, thread: number) => key2(tables.thread, account, thread);

export function changeKey(account: number, modseq: number, part: number): Buffer {
  const key = Buffer.allocUnsafe(15);
  key[0] = tables.change;
  key.writeUInt32BE(account, 1);
  writeU64(key, modseq, 5);
  key.writeUInt16BE(part, 13);
  return key;
}

export const byModseqKey = (account: number, mailbox: number, modseq: number) =>
  modseqKey(tables.byModseq, account, mailbox, modseq);
export const vanishedKey = (account: number, mailbox: number, modseq: number) =>
  modseqKey(tables.vanished, account, mailbox, modseq);

export const byDateKey = (account: number, mailbox: number, dateMs: number, document: number) =>
  dateKey(tables.byDate, account, mailbox, dateMs, document);
export const byThreadDateKey = (account: number, mailbox: number, dateMs: number, thread: number) =>
  dateKey(tables.byThreadDate, account, mailbox, dateMs, thread);

export function messageIdKey(account: number, hash: Uint8Array): Buffer {
  assert(hash.byteLength === messageIdHashBytes, 'a Message-ID hash of 8 bytes');
  const key = Buffer.allocUnsafe(5 + messageIdHashBytes);
  key[0] = tables.messageId;
  key.writeUInt32BE(account, 1);
  key.set(hash, 5);
  return key;
}

export function blobLinkKey(
  hash: Uint8Array,
  kind: number,
  account: number,
  document: number,
): Buffer {
  assert(hash.byteLength === blobHashBytes, 'a blob hash of 32 bytes');
  const key = Buffer.allocUnsafe(1 + blobHashBytes + 9);
  key[0] = tables.blobLink;
  key.set(hash, 1);
  key[33] = kind;
  key.writeUInt32BE(account, 34);
  key.writeUInt32BE(document, 38);
  return key;
}

export function deliveryKey(account: number, day: number, hash: Uint8Array): Buffer {
  assert(hash.byteLength === deliveryHashBytes, 'a delivery hash of 12 bytes');
  const key = Buffer.allocUnsafe(9 + deliveryHashBytes);
  key[0] = tables.delivery;
  key.writeUInt32BE(account, 1);
  key.writeUInt32BE(day, 5);
  key.set(hash, 9);
  return key;
}

/** What was expunged with `modseq` and is kept until an instant. */
export function keptKey(account: number, untilMs: number, modseq: number): Buffer {
  const key = Buffer.allocUnsafe(19);
  key[0] = tables.kept;
  key.writeUInt32BE(account, 1);
  key.writeUIntBE(untilMs, 5, 6);
  writeU64(key, modseq, 11);
  return key;
}

/** The parts of a `keptKey`. */
export function keptAt(key: Uint8Array): { readonly untilMs: number; readonly modseq: number } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const modseq = bytes.readUInt32BE(11) * 2 ** 32 + bytes.readUInt32BE(15);
  return { untilMs: bytes.readUIntBE(5, 6), modseq };
}

/** From an account on, all accounts. */
export function keptFrom(account: number): KeyRange {
  return { from: key1(tables.kept, account), to: Buffer.of(tables.kept + 1) };
}

export function subscriptionKey(account: number, path: string): Buffer {
  return Buffer.concat([key1(tables.subscription, account), Buffer.from(path, 'utf8')]);
}

/** Subscriptions of paths below one. */
export function subscriptionsBelow(account: number, path: string): KeyRange {
  const from = subscriptionKey(account, `${path}/`);
  return { from, to: upTo(from) };
}

/** The path of a subscription's key. */
export function subscribedPath(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 5, key.byteLength - 5).toString('utf8');
}

/** Part `part` of an entry's value; reader 0: shared by all; mailbox 0: the server's. */
export function annotationKey(
  account: number,
  mailbox: number,
  reader: number,
  entry: string,
  part: number,
): Buffer {
  const name = Buffer.from(entry, 'utf8');
  return Buffer.concat([
    key3(tables.annotation, account, mailbox, reader),
    name,
    Buffer.of(0, part),
  ]);
}

/** All parts of one entry. */
export function annotationRange(
  account: number,
  mailbox: number,
  reader: number,
  entry: string,
): KeyRange {
  const from = annotationKey(account, mailbox, reader, entry, 0);
  return { from, to: upTo(from.subarray(0, -1)) };
}

/** All entries of one reader. */
export function annotationReaderRange(account: number, mailbox: number, reader: number): KeyRange {
  const prefix = key3(tables.annotation, account, mailbox, reader);
  return { from: prefix, to: upTo(prefix) };
}

/** No account has this number. */
const noReader = 0xffff_ffff;

export const annotationChangesKey = (account: number, mailbox: number) =>
  key3(tables.annotation, account, mailbox, noReader);

/** Whose annotation a row is; 0: everybody's. */
export function readerOfAnnotation(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(9);
}

/** Part `part` of a script's text; no name: which one is active. */
export function scriptKey(account: number, name: string, part: number): Buffer {
  const bytes = Buffer.from(name, 'utf8');
  return Buffer.concat([key1(tables.script, account), bytes, Buffer.of(0, part)]);
}

/** All parts of one script. */
export function scriptRange(account: number, name: string): KeyRange {
  const from = scriptKey(account, name, 0);
  return { from, to: upTo(from.subarray(0, -1)) };
}

export const rememberedHashBytes = 16;

export function rememberedKey(account: number, hash: Uint8Array): Buffer {
  assert(hash.byteLength === rememberedHashBytes, 'a hash of 16 bytes');
  return Buffer.concat([key1(tables.remembered, account), hash]);
}

export function rememberedTillKey(account: number, untilMs: number, hash: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(11 + rememberedHashBytes);
  key[0] = tables.rememberedTill;
  key.writeUInt32BE(account, 1);
  key.writeUIntBE(untilMs, 5, 6);
  key.set(hash, 11);
  return key;
}

/** The parts of a `rememberedTillKey`. */
export function rememberedTill(key: Uint8Array): {
  readonly untilMs: number;
  readonly hash: Buffer;
} {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { untilMs: bytes.readUIntBE(5, 6), hash: Buffer.from(bytes.subarray(11)) };
}

/** Deliveries of an account from before `day`. */
export function deliveriesBefore(account: number, day: number): KeyRange {
  return {
    from: key2(tables.delivery, account, 0),
    to: key2(tables.delivery, account, Math.max(0, day)),
  };
}

/** All rows of an account in one table. */
export function accountRange(table: number, account: number): KeyRange {
  return { from: key1(table, account), to: upTo(key1(table, account)) };
}

/** All rows of a mailbox in a table whose keys start with account and mailbox. */
export function mailboxRange(table: number, account: number, mailbox: number): KeyRange {
  return { from: key2(table, account, mailbox), to: upTo(key2(table, account, mailbox)) };
}

/** Uid blocks `first` to `last`, both included. */
export function uidBlockRange(
  account: number,
  mailbox: number,
  first: number,
  last: number,
): KeyRange {
  return {
    from: uidBlockKey(account, mailbox, first),
    to: upTo(uidBlockKey(account, mailbox, last)),
  };
}

/** Saved rows that begin with UIDs `first` to `last`, both included. */
export function savedRange(
  account: number,
  mailbox: number,
  first: number,
  last: number,
): KeyRange {
  return { from: savedKey(account, mailbox, first), to: upTo(savedKey(account, mailbox, last)) };
}

/** Changes after `modseq`. */
export function changesSince(account: number, modseq: number): KeyRange {
  return { from: changeKey(account, modseq + 1, 0), to: upTo(key1(tables.change, account)) };
}

/** Rows of `byModseq` or `vanished` after `modseq`. */
export function modseqsSince(
  table: number,
  account: number,
  mailbox: number,
  modseq: number,
): KeyRange {
  return {
    from: modseqKey(table, account, mailbox, modseq + 1),
    to: upTo(key2(table, account, mailbox)),
  };
}

/** Rows of `byModseq` or `vanished` up to `modseq`, it included. */
export function modseqsUpTo(
  table: number,
  account: number,
  mailbox: number,
  modseq: number,
): KeyRange {
  const to = modseqKey(table, account, mailbox, modseq + 1);
  return { from: key2(table, account, mailbox), to };
}

/** Changes up to `modseq`, it included. */
export function changesUpTo(account: number, modseq: number): KeyRange {
  return { from: key1(tables.change, account), to: changeKey(account, modseq + 1, 0) };
}

export const everyDocument: KeyRange = {
  from: Buffer.of(tables.document),
  to: Buffer.of(tables.document + 1),
};

/** The u32 that ends a key: a document, thread, mailbox or block number. */
export function lastU32(key: Uint8Array): number {
  const at = key.byteLength - 4;
  return (key[at]! * 2 ** 24 + (key[at + 1]! << 16) + (key[at + 2]! << 8) + key[at + 3]!) >>> 0;
}

/** Whom a row is about; undefined for rows of the store and the spool, and for blob links, which never come alone. */
export function accountOf(key: Uint8Array): number | undefined {
  const table = key[0]!;
  return table < tables.account || table === tables.blobLink ? undefined : firstU32(key);
}

/** The first u32 of a key: the account, in all tables of accounts. */
export function firstU32(key: Uint8Array): number {
  return (key[1]! * 2 ** 24 + (key[2]! << 16) + (key[3]! << 8) + key[4]!) >>> 0;
}

/** The second u32 of a key: the mailbox, in all tables of mailboxes. */
export function mailboxOfKey(key: Uint8Array): number {
  return (key[5]! * 2 ** 24 + (key[6]! << 16) + (key[7]! << 8) + key[8]!) >>> 0;
}

/** The modseq of a change key (at 5) or of a by-modseq key (at 9). */
export function modseqAt(key: Uint8Array, at: 5 | 9): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

/** The date of a by-date key, in epoch milliseconds. */
export function dateMsOf(key: Uint8Array): number {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return dateMsMax - bytes.readUIntBE(9, 6);
}

/** The least key above all that start with `prefix`. */
export function upTo(prefix: Uint8Array): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] !== 0xff) {
      end[i]!++;
      return end.subarray(0, i + 1);
    }
  }
  assert(false, 'a key prefix below all bytes 0xff');
}

export function key1(table: number, a: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = table;
  key.writeUInt32BE(a, 1);
  return key;
}

function key2(table: number, a: number, b: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = table;
  key.writeUInt32BE(a, 1);
  key.writeUInt32BE(b, 5);
  return key;
}

function key3(table: number, a: number, b: number, c: number): Buffer {
  const key = Buffer.allocUnsafe(13);
  key[0] = table;
  key.writeUInt32BE(a, 1);
  key.writeUInt32BE(b, 5);
  key.writeUInt32BE(c, 9);
  return key;
}

function modseqKey(table: number, account: number, mailbox: number, modseq: number): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = table;
  key.writeUInt32BE(account, 1);
  key.writeUInt32BE(mailbox, 5);
  writeU64(key, modseq, 9);
  return key;
}

function dateKey(
  table: number,
  account: number,
  mailbox: number,
  dateMs: number,
  id: number,
): Buffer {
  const key = Buffer.allocUnsafe(19);
  key[0] = table;
  key.writeUInt32BE(account, 1);
  key.writeUInt32BE(mailbox, 5);
  // Inverted: the newest first in ascending order. Dates outside 1970 to 10889 are moved to its ends.
  key.writeUIntBE(dateMsMax - Math.min(Math.max(0, dateMs), dateMsMax), 9, 6);
  key.writeUInt32BE(id, 15);
  return key;
}

/** Modseqs stay below 2^53 (RFC 7162 §3.1.1 allows 2^63): a billion a second for a century of days. */
function writeU64(key: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32);
  key.writeUInt32BE(high, at);
  key.writeUInt32BE(value - high * 2 ** 32, at + 4);
}
