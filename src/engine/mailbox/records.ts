/**
 * The mailbox's journal records and their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: a record carries decisions (UID, modseq, document, thread, dates), never requests. `modseq` rises by
 *            one or more with each record of an account: one at or below the account row's has been applied.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft, SideBody } from '../store/record.ts';
import { packRow, unpackRow } from './rows/packing.ts';
import { type IdRanges, packRanges, unpackRanges } from './rows/uid-ranges.ts';

/** Record types of the mailbox's range (`store/record-types.ts`). */
export const mailboxRecords = {
  accountCreated: 40,
  accountDeleted: 41,
  mailboxCreated: 42,
  delivered: 43,
  parsed: 44,
  flagsStored: 45,
  expunged: 46,
  copied: 47,
  moved: 48,
  accountSet: 49,
  mailboxDeleted: 50,
  mailboxRenamed: 51,
  subscribed: 52,
  trimmed: 53,
  annotated: 60,
  restored: 64,
  purged: 65,
  aclSet: 61,
  seenStored: 62,
  recentTold: 63,
  scriptsSet: 66,
  sieveRan: 67,
  learnt: 68,
  snoozed: 69,
} as const;

/** By which an ask is known that comes again; see `ask-names.ts`. */
export interface AskName {
  readonly day: number;
  /** Empty: none is kept. */
  readonly hash: Uint8Array;
}

export interface NewMailbox {
  readonly name: string;
  readonly parent: number;
  /** Place in `roles`. */
  readonly role: number;
}

export interface AccountCreated {
  readonly account: number;
  readonly modseq: number;
  readonly uidValidity: number;
  /** 0 is no limit. */
  readonly quotaBytes: number;
  readonly quotaMessages: number;
  /** Numbered from 1 in this order. */
  readonly mailboxes: readonly NewMailbox[];
}

export interface AccountSet {
  readonly account: number;
  readonly modseq: number;
  readonly quotaBytes: number;
  readonly quotaMessages: number;
}

export interface AccountDeleted {
  readonly account: number;
}

export interface MailboxCreated extends NewMailbox {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  readonly uidValidity: number;
  readonly ask: AskName;
}

export interface Delivered {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  readonly uid: number;
  readonly document: number;
  readonly thread: number;
  readonly internalMs: number;
  /** Of the body. */
  readonly hash: Uint8Array;
  /** Bits by place in `systemFlags`. */
  readonly flags: number;
  readonly keywords: readonly string[];
  /** 0 and no hash: not a delivery that could be repeated. */
  readonly deliveryDay: number;
  readonly deliveryHash: Uint8Array;
  /** Of all message ids it names, 8 bytes each. */
  readonly idHashes: Uint8Array;
  readonly subjectHash: number;
  /** Deliveries from before this day are forgotten now; 0: none are. */
  readonly forgetDay: number;
  /** The parsed row; empty where a `parsed` record follows. */
  readonly parsed: Uint8Array;
  /** When it came into the mailbox; 0: its internal date says so. */
  readonly savedMs: number;
}

export interface ParsedRecord {
  readonly account: number;
  readonly document: number;
}

const flagOps = ['add', 'remove', 'replace'] as const;
export type FlagOp = (typeof flagOps)[number];

export interface FlagsStored {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  readonly uids: IdRanges;
  readonly op: FlagOp;
  readonly flags: number;
  readonly keywords: readonly string[];
}

/** When something was expunged, and until when it can be had back. */
export interface Keeping {
  readonly expungedMs: number;
  readonly untilMs: number;
}

export interface Expunged {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  readonly uids: IdRanges;
  /** Absent: nothing is kept. */
  readonly keeping?: Keeping;
}

/** Copied or moved: the n-th of `uids` gets UID `firstUid + n` in `target`. */
export interface Copied extends Omit<Expunged, 'keeping'> {
  readonly target: number;
  readonly firstUid: number;
  /** 0: nobody knows. */
  readonly savedMs: number;
  /** As a delivery's, so that a repeat is known; no hash: none was given. */
  readonly copyDay: number;
  readonly copyHash: Uint8Array;
  readonly forgetDay: number;
}

const noBytes = new Uint8Array(0);
export const noName: AskName = { day: 0, hash: noBytes };

type Fields = readonly unknown[];

function draft(
  type: number,
  tenant: TenantId,
  fields: Fields,
  body: readonly Uint8Array[] | SideBody = [],
): RecordDraft {
  const meta = packRow(fields);
  if ('segment' in body) return { type, tenant, meta, body: [], side: body };
  return { type, tenant, meta, body };
}

export function accountCreatedDraft(tenant: TenantId, record: AccountCreated): RecordDraft {
  const mailboxes = record.mailboxes.map((box) => [box.name, box.parent, box.role]);
  const { account, modseq, uidValidity, quotaBytes, quotaMessages } = record;
  const fields = [account, modseq, uidValidity, mailboxes, quotaBytes, quotaMessages];
  return draft(mailboxRecords.accountCreated, tenant, fields);
}

export function readAccountCreated(record: JournalRecord): AccountCreated {
  type PackedMailbox = readonly [string, number, number];
  type Packed = readonly [number, number, number, readonly PackedMailbox[], number, number?];
  const [account, modseq, uidValidity, packed, ...quota] = unpackRow<Packed>(record.meta);
  const [quotaBytes, quotaMessages = 0] = quota;
  const mailboxes = packed.map(([name, parent, role]) => ({ name, parent, role }));
  return { account, modseq, uidValidity, mailboxes, quotaBytes, quotaMessages };
}

/** Whose record it is: the first field of all of them. */
export function accountOfMeta(meta: Uint8Array): number {
  return unpackRow<readonly [number]>(meta)[0];
}

export function accountSetDraft(tenant: TenantId, record: AccountSet): RecordDraft {
  const fields = [record.account, record.modseq, record.quotaBytes, record.quotaMessages];
  return draft(mailboxRecords.accountSet, tenant, fields);
}

export function readAccountSet(record: JournalRecord): AccountSet {
  type Packed = readonly [number, number, number, number?];
  const [account, modseq, quotaBytes, quotaMessages = 0] = unpackRow<Packed>(record.meta);
  return { account, modseq, quotaBytes, quotaMessages };
}

export function accountDeletedDraft(tenant: TenantId, record: AccountDeleted): RecordDraft {
  return draft(mailboxRecords.accountDeleted, tenant, [record.account]);
}

export function readAccountDeleted(record: JournalRecord): AccountDeleted {
  const [account] = unpackRow<readonly [number]>(record.meta);
  return { account };
}

export function mailboxCreatedDraft(tenant: TenantId, record: MailboxCreated): RecordDraft {
  return draft(mailboxRecords.mailboxCreated, tenant, [
    record.account,
    record.modseq,
    record.mailbox,
    record.uidValidity,
    record.name,
    record.parent,
    record.role,
    ...packName(record.ask),
  ]);
}

export function nameIn([day = 0, hash]: readonly [day?: number, hash?: Uint8Array]): AskName {
  return hash === undefined ? noName : { day, hash };
}

/** At the end of a record's fields; nothing for none. */
export function packName({ day, hash }: AskName): readonly unknown[] {
  return hash.length === 0 ? [] : [day, hash];
}

export function readMailboxCreated(record: JournalRecord): MailboxCreated {
  type Made = readonly [number, number, number, number, string, number, number];
  type Packed = readonly [...Made, number?, Uint8Array?];
  const [account, modseq, mailbox, uidValidity, name, parent, role, ...rest] = unpackRow<Packed>(
    record.meta,
  );
  const ask = nameIn(rest);
  return { account, modseq, mailbox, uidValidity, name, parent, role, ask };
}

export function deliveredDraft(
  tenant: TenantId,
  record: Delivered,
  body: readonly Uint8Array[] | SideBody,
): RecordDraft {
  const fields = [
    record.account,
    record.modseq,
    record.mailbox,
    record.uid,
    record.document,
    record.thread,
    record.internalMs,
    record.hash,
    record.flags,
    record.keywords,
    record.deliveryDay,
    record.deliveryHash,
    record.idHashes,
    record.subjectHash,
    record.forgetDay,
    record.parsed,
    ...(record.savedMs === 0 ? [] : [record.savedMs]),
  ];
  return draft(mailboxRecords.delivered, tenant, fields, body);
}

export function readDelivered(record: JournalRecord): Delivered {
  type Packed = readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    Uint8Array,
    number,
    readonly string[],
    number,
    Uint8Array,
    Uint8Array,
    number,
    number,
    Uint8Array,
    number?,
  ];
  const fields = unpackRow<Packed>(record.meta);
  return {
    account: fields[0],
    modseq: fields[1],
    mailbox: fields[2],
    uid: fields[3],
    document: fields[4],
    thread: fields[5],
    internalMs: fields[6],
    hash: fields[7],
    flags: fields[8],
    keywords: fields[9],
    deliveryDay: fields[10],
    deliveryHash: fields[11],
    idHashes: fields[12],
    subjectHash: fields[13],
    forgetDay: fields[14],
    parsed: fields[15],
    savedMs: fields[16] ?? 0,
  };
}

export function parsedDraft(
  tenant: TenantId,
  record: ParsedRecord,
  parsed: Uint8Array,
): RecordDraft {
  return draft(mailboxRecords.parsed, tenant, [record.account, record.document], [parsed]);
}

export function readParsed(record: JournalRecord): ParsedRecord {
  const [account, document] = unpackRow<readonly [number, number]>(record.meta);
  return { account, document };
}

export function flagsStoredDraft(tenant: TenantId, record: FlagsStored): RecordDraft {
  return draft(mailboxRecords.flagsStored, tenant, [
    record.account,
    record.modseq,
    record.mailbox,
    packRanges(record.uids),
    flagOps.indexOf(record.op),
    record.flags,
    record.keywords,
  ]);
}

export function readFlagsStored(record: JournalRecord): FlagsStored {
  type Packed = readonly [number, number, number, Uint8Array, number, number, readonly string[]];
  const [account, modseq, mailbox, uids, op, flags, keywords] = unpackRow<Packed>(record.meta);
  return { account, modseq, mailbox, uids: unpackRanges(uids), op: flagOps[op]!, flags, keywords };
}

export function expungedDraft(tenant: TenantId, record: Expunged): RecordDraft {
  const { account, modseq, mailbox, uids, keeping } = record;
  const fields = [account, modseq, mailbox, packRanges(uids), ...packKeeping(keeping)];
  return draft(mailboxRecords.expunged, tenant, fields);
}

/** 0 milliseconds: nothing is kept. */
export function keepingFrom(nowMs: number, keepMs: number): { readonly keeping?: Keeping } {
  return keepMs === 0 ? {} : { keeping: { expungedMs: nowMs, untilMs: nowMs + keepMs } };
}

export function packKeeping(keeping: Keeping | undefined): readonly number[] {
  return keeping === undefined ? [] : [keeping.expungedMs, keeping.untilMs];
}

/** Records from before anything was kept have neither field. */
export function unpackKeeping(
  expungedMs: number | undefined,
  untilMs: number | undefined,
): { readonly keeping?: Keeping } {
  if (expungedMs === undefined || untilMs === undefined) return {};
  return { keeping: { expungedMs, untilMs } };
}

export function readExpunged(record: JournalRecord): Expunged {
  type Packed = readonly [number, number, number, Uint8Array, number?, number?];
  const [account, modseq, mailbox, uids, ...times] = unpackRow<Packed>(record.meta);
  return { account, modseq, mailbox, uids: unpackRanges(uids), ...unpackKeeping(...times) };
}

export function copiedDraft(tenant: TenantId, record: Copied, isMove: boolean): RecordDraft {
  const type = isMove ? mailboxRecords.moved : mailboxRecords.copied;
  const { account, modseq, mailbox, target, firstUid, savedMs } = record;
  const { copyDay, copyHash, forgetDay } = record;
  const uids = packRanges(record.uids);
  const fields = [account, modseq, mailbox, uids, target, firstUid];
  return draft(type, tenant, [...fields, savedMs, copyDay, copyHash, forgetDay]);
}

export function readCopied(record: JournalRecord): Copied {
  type Place = readonly [number, number, number, Uint8Array, number, number];
  type Packed = readonly [...Place, number?, number?, Uint8Array?, number?];
  const [account, modseq, mailbox, packed, target, firstUid, ...rest] = unpackRow<Packed>(
    record.meta,
  );
  const [savedMs = 0, copyDay = 0, copyHash = noBytes, forgetDay = 0] = rest;
  const uids = unpackRanges(packed);
  const place = { account, modseq, mailbox, uids, target, firstUid };
  return { ...place, savedMs, copyDay, copyHash, forgetDay };
}
