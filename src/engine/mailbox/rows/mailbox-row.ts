/**
 * A mailbox: all that LIST, STATUS and SELECT say, in one row.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9051 §6.3.11 (STATUS); RFC 6154 (roles); RFC 7162 §3.2.5 (how far back VANISHED reaches); RFC 3501
 *            §2.3.2 (\Recent).
 * Limits:    `keywordsMax` keywords, each at most `keywordLengthMax` characters.
 */

import { LatestRows } from './latest-rows.ts';
import { packRow, unpackRow } from './packing.ts';

export const keywordsMax = 128;
export const keywordLengthMax = 64;
export const mailboxNameLengthMax = 255;

/** RFC 6154 §2, RFC 8621 §2 (`inbox`) and the draft of snooze; `quarantine` is ours; "" is none. */
export const roles = [
  ...(['', 'inbox', 'drafts', 'sent', 'junk', 'trash', 'archive'] as const),
  ...(['quarantine', 'snoozed'] as const),
] as const;
export type Role = (typeof roles)[number];

/** No protocol shows it, and nobody finds it by its name: it is reached by its role alone. */
export function isHidden(role: Role): boolean {
  return role === 'quarantine';
}

export interface MailboxRow {
  readonly name: string;
  /** 0 is none. */
  readonly parent: number;
  readonly role: Role;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly bytes: number;
  readonly highestModseq: number;
  /** Expunges at or below this modseq are no longer known one by one. */
  readonly vanishedFloor: number;
  /** So are other changes, at or below this one. */
  readonly modseqFloor: number;
  /** A keyword's number in uid blocks is its place here. */
  readonly keywords: readonly string[];
  /** Messages below are \Recent to nobody any more: a session was told of them. */
  readonly recentUid: number;
  /** Messages from there on; all of them while it is 1. */
  readonly recent: number;
}

type Packed = readonly [
  name: string,
  parent: number,
  role: number,
  uidValidity: number,
  uidNext: number,
  messages: number,
  unseen: number,
  deleted: number,
  bytes: number,
  highestModseq: number,
  vanishedFloor: number,
  keywords: readonly string[],
  /** Not in rows that were never trimmed; nor what follows, where it is told of no message. */
  modseqFloor?: number,
  recentUid?: number,
  recent?: number,
];

const latest = new LatestRows<MailboxRow>();

/** The row is not to be changed any more. */
export function encodeMailbox(row: MailboxRow): Uint8Array {
  const packed = pack(row);
  // Where no session was told of a message, the row says no more than that.
  const isWhole = row.recentUid > 1 || row.recent === row.messages;
  return isWhole ? latest.keep(row, packed) : packed;
}

function pack(row: MailboxRow): Uint8Array {
  const packed: Packed = [
    row.name,
    row.parent,
    roles.indexOf(row.role),
    row.uidValidity,
    row.uidNext,
    row.messages,
    row.unseen,
    row.deleted,
    row.bytes,
    row.highestModseq,
    row.vanishedFloor,
    row.keywords,
  ];
  const { modseqFloor, recentUid, recent } = row;
  if (recentUid > 1) return packRow([...packed, modseqFloor, recentUid, recent]);
  return packRow(modseqFloor === 0 ? packed : [...packed, modseqFloor]);
}

export function decodeMailbox(value: Uint8Array): MailboxRow {
  return latest.of(value) ?? unpack(value);
}

function unpack(value: Uint8Array): MailboxRow {
  const [name, parent, role, uidValidity, uidNext, messages, unseen, deleted, ...rest] =
    unpackRow<Packed>(value);
  const [bytes, highestModseq, vanishedFloor, keywords, modseqFloor = 0, ...recents] = rest;
  const [recentUid = 1, recent = messages] = recents;
  return {
    name,
    parent,
    role: roles[role]!,
    uidValidity,
    uidNext,
    messages,
    unseen,
    deleted,
    bytes,
    highestModseq,
    vanishedFloor,
    modseqFloor,
    keywords,
    recentUid,
    recent,
  };
}
