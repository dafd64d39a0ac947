/**
 * Asks about accounts and their mailboxes, packed.
 *
 * Runs in:   both sides; plain data only.
 * Invariant: the actor of each is the account (`accountActor`): asks of one account keep their order.
 */

import type { Failure } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';

export const mailboxAsks = {
  /** meta: `PackedDelivery`, body: the message as stored. Answer: `DeliverAnswer`. */
  deliver: 'mailbox.deliver',
  /** meta: `[account]`. Answer: `MailboxInfo[]`, in order of number. */
  list: 'mailbox.list',
  /** meta: `[account, mailbox]`. Answer: `MailboxInfo`, or `not-found`. */
  status: 'mailbox.status',
  /** meta: `[account, mailbox, firstUid, limit]`. Answer: `MessageInfo[]`, ascending. */
  messages: 'mailbox.messages',
  /** meta: `[account, document]`. Answer: `MessageRead`, with the message's bytes as its body. */
  read: 'mailbox.read',
  /** meta: `[account, tenant, quotaBytes]`: makes the account or sets its quota. */
  put: 'account.put',
  /** meta: `[account]`. Answer: `AccountUse`. */
  use: 'account.use',
  /** meta: `[account, tenant]`: deletes all it has. */
  delete: 'account.delete',
} as const;

/** How many messages one `mailbox.messages` answers at most. */
export const messagesPerAskMax = 1_000;

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
}

export interface MessageInfo {
  readonly uid: number;
  readonly document: number;
  readonly modseq: number;
  readonly flags: readonly string[];
  readonly size: number;
  readonly internalMs: number;
}

export interface MessageRead {
  readonly size: number;
  readonly internalMs: number;
}

export interface AccountUse {
  readonly bytes: number;
  readonly messages: number;
  readonly quotaBytes: number;
  readonly isFull: boolean;
}
