/**
 * Asks of POP3 sessions to the actor of their account, packed.
 *
 * Runs in:   both sides; plain data only.
 * Specs:     RFC 1939; each ask names its commands.
 * Invariant: the actor of each is the account (`accountActor`). A maildrop is what INBOX was at log-in, as two
 *            numbers (decision 0070); the engine keeps nothing of a session but leases of long answers.
 */

import type { TextPlace } from '../../mail/wire/pop3/message-text.ts';

export const pop3Asks = {
  /** meta: `[account]`. Answer: `OpenedMaildrop`. Log-in. */
  open: 'pop3.open',
  /** meta: `PackedListing`. Answer: the lines, as body. LIST, UIDL. */
  list: 'pop3.list',
  /** meta: `[drop, numbers]`. Answer: octets of those that are there, together. STAT. */
  size: 'pop3.size',
  /** meta: `PackedRetrieve`. Answer: `Retrieved`, body: text as sent. `not-found`. RETR, TOP. */
  retrieve: 'pop3.retrieve',
  /** meta: `[drop, tenant]`, body: a bitmap of numbers, from 1. Takes those out of INBOX. QUIT. */
  remove: 'pop3.remove',
} as const;

export type Pop3Ask = (typeof pop3Asks)[keyof typeof pop3Asks];

/** How many messages one `pop3.list` or `pop3.size` is asked about at most. */
export const messagesPerListingMax = 512;

export type PackedMaildrop = readonly [
  account: number,
  modseq: number,
  uidNext: number,
  /** Messages before number 1, which the session does not see. */
  hidden: number,
];

export interface OpenedMaildrop {
  readonly modseq: number;
  readonly uidNext: number;
  readonly uidValidity: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Ascending ranges of message numbers, both ends included. */
export type NumberRanges = readonly number[];

export type PackedListing = readonly [
  drop: PackedMaildrop,
  /** 0: lines are of sizes (LIST); else of unique ids under this UIDVALIDITY (UIDL). */
  uidValidity: number,
  numbers: NumberRanges,
];

export type PackedRetrieve = readonly [drop: PackedMaildrop, number: number, cursor: TextCursor];

/** Where an answer left off. `lease` 0 begins. */
export type TextCursor = readonly [lease: number, offset: number, place: TextPlace];

export interface Retrieved {
  /** Of the whole message, as LIST says. */
  readonly size: number;
  /** Absent: that was all. */
  readonly next?: TextCursor;
}
