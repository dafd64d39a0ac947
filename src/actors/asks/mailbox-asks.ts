/**
 * Asks about accounts and their mailboxes, packed.
 *
 * Runs in:   both sides; plain data only.
 * Invariant: the actor of each is the account (`accountActor`): asks of one account keep their order.
 */

import type { ErrorCode, Failure } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import { mebibyte } from '../../base/units.ts';

export const mailboxAsks = {
  /** meta: `PackedDelivery`, body: the message as stored. Answer: `DeliverAnswer`. */
  deliver: 'mailbox.deliver',
  /** meta: `[account]`. Answer: `MailboxInfo[]`, in order of number. */
  list: 'mailbox.list',
  /** meta: `[account, mailbox]`. Answer: `MailboxInfo`, or `not-found`. */
  status: 'mailbox.status',
  /** meta: `PackedExport`. Answer: `ExportWindow`, body: the pieces one after the other. */
  export: 'mailbox.export',
  /** meta: `PackedOwner` of `imap-asks.ts`: makes the account or sets its quota. */
  put: 'account.put',
  /** meta: `PackedImport`, body: the messages one after the other. Answer: `ImportAnswer`. Class `long`. */
  import: 'mailbox.import',
  /** meta: `[account, path, untilMs, modseq]`; "" is all mailboxes, 0 and 0 the newest. Answer: `KeptList`. */
  kept: 'mailbox.kept',
  /** meta: `[account, tenant, to, documents]`; "" is where they were. Answer: how many are back. */
  restore: 'mailbox.restore',
  /** meta: `[account, tenant]`. Answer: how many messages were let go. */
  purge: 'mailbox.purge',
  /** meta: `[reference]`: whether that tenant key can wrap and unwrap. */
  tryKey: 'key.try',
  /**
   * meta: `[account, reference]`: makes an account that has no row yet one that is encrypted, by that tenant key; one
   * that has stays as it is.
   */
  encrypt: 'account.encrypt',
  /** meta: `[account, reference, isRotated]`. Answer: whether it is encrypted. */
  rekey: 'account.rekey',
  /** meta: `[account]`. Answer: `AccountUse`. */
  use: 'account.use',
  /** Of the shard. Answer: the highest number of an account that has, or had, mail on it; 0: none. */
  highest: 'account.highest',
  /** meta: `[account, tenant]`: deletes all it has. */
  delete: 'account.delete',
} as const;

/** Text in one window of an export. */
export const exportWindowBytesMax = mebibyte;

/** Messages one `mailbox.import` takes. */
export const messagesPerImportMax = 2_000;

export function accountActor(account: AccountId): string {
  return `account ${account}`;
}

export type PackedDelivery = readonly [
  messageId: string,
  tenant: number,
  sender: string,
  receivedMs: number,
  /** account, address as given at RCPT, … */
  targets: readonly (number | string)[],
];

export interface DeliveredInfo {
  readonly ok: true;
  readonly mailbox: number;
  readonly uid: number;
  readonly document: number;
  /** It was delivered before: nothing changed. */
  readonly isRepeat: boolean;
}

/** One outcome per target, in order. */
export type DeliverAnswer = readonly (DeliveredInfo | Failure)[];

export interface MailboxInfo {
  readonly mailbox: number;
  readonly name: string;
  /** 0 is none. */
  readonly parent: number;
  /** "" is none; else as RFC 6154 names it, in lower case, or `inbox`. */
  readonly role: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly bytes: number;
  readonly highestModseq: number;
  /** Of messages below a session was told: they are \Recent to no other (RFC 3501 §2.3.2). */
  readonly recentUid: number;
  /** How many there are from it on. */
  readonly recent: number;
}

export type PackedExport = readonly [
  account: number,
  mailbox: number,
  /** From this message on, and of itself from this offset on. */
  uid: number,
  offset: number,
];

export type ExportedPiece = readonly [
  uid: number,
  internalMs: number,
  flags: readonly string[],
  /** Of the message; -1: it is gone, and was told in part. */
  size: number,
  offset: number,
  length: number,
];

export interface ExportWindow {
  readonly pieces: readonly ExportedPiece[];
  /** Where the next window begins; absent: that was all. */
  readonly next?: readonly [uid: number, offset: number];
}

export interface AccountUse {
  readonly bytes: number;
  readonly messages: number;
  /** 0 is no limit. */
  readonly quotaBytes: number;
  readonly quotaMessages: number;
  readonly isFull: boolean;
}

export type PackedImport = readonly [
  account: number,
  tenant: number,
  mailbox: number,
  /** Names the run: its messages with the same bytes are counted among each other. */
  run: string,
  messages: readonly PackedImported[],
];

export type PackedImported = readonly [
  bytes: number,
  /** The n-th message of these bytes in the run and mailbox, from 1. */
  occurrence: number,
  /** Bits by place in RFC 9051 §2.3.2's order: \Seen, \Answered, \Flagged, \Deleted, \Draft. */
  flags: number,
  keywords: readonly string[],
  internalMs: number,
];

export interface ImportAnswer {
  readonly importedCount: number;
  /** Were in the mailbox before. */
  readonly knownCount: number;
  readonly faults: readonly ImportFault[];
}

export type ImportFault = readonly [index: number, code: ErrorCode, detail: string];

/** An expunged message that can be had back. */
export interface KeptInfo {
  readonly document: number;
  readonly path: string;
  readonly expungedMs: number;
  readonly untilMs: number;
  readonly size: number;
  readonly internalMs: number;
  readonly from: string;
  readonly subject: string;
}

export interface KeptList {
  readonly entries: readonly KeptInfo[];
  /** Where the next list begins; absent: that was all. */
  readonly next?: { readonly untilMs: number; readonly modseq: number };
}

/** Documents one `mailbox.restore` takes. */
export const restoredPerAskMax = 200;
