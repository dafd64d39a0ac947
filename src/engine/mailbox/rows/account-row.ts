/**
 * What an account counts: next numbers, highest modseq, room used.
 *
 * Runs in:   engine threads; pure.
 * Invariant: `modseq` is that of the last record applied to the account: a record at or below it changes nothing.
 */

import { LatestRows } from './latest-rows.ts';
import { packRow, unpackRow } from './packing.ts';

/** `mailboxNext` of an account that was deleted: its number is never given again, nothing is made under it. */
export const deletedAccount = 0;

export interface AccountRow {
  readonly mailboxNext: number;
  readonly documentNext: number;
  readonly threadNext: number;
  readonly modseq: number;
  /** Of all documents, each counted once however many mailboxes it is in. */
  readonly bytes: number;
  readonly documents: number;
  /** Delivery ids from before this day are gone. */
  readonly deliveriesDay: number;
  /** 0 is no limit. */
  readonly quotaBytes: number;
  /** Messages; 0 is no limit. */
  readonly quotaMessages: number;
  /** Changes at or below this modseq are no longer known one by one. */
  readonly changesFloor: number;
}

type Packed = readonly [
  mailboxNext: number,
  documentNext: number,
  threadNext: number,
  modseq: number,
  bytes: number,
  documents: number,
  deliveriesDay: number,
  quotaBytes: number,
  /** Not in rows of old. */
  quotaMessages?: number,
  changesFloor?: number,
];

const latest = new LatestRows<AccountRow>();

/** The row is not to be changed any more. */
export function encodeAccount(row: AccountRow): Uint8Array {
  const packed: Packed = [
    row.mailboxNext,
    row.documentNext,
    row.threadNext,
    row.modseq,
    row.bytes,
    row.documents,
    row.deliveriesDay,
    row.quotaBytes,
    row.quotaMessages,
  ];
  const isTrimmed = row.changesFloor !== 0;
  return latest.keep(row, packRow(isTrimmed ? [...packed, row.changesFloor] : packed));
}

export function decodeAccount(value: Uint8Array): AccountRow {
  return latest.of(value) ?? unpack(value);
}

function unpack(value: Uint8Array): AccountRow {
  const [mailboxNext, documentNext, threadNext, modseq, ...rest] = unpackRow<Packed>(value);
  const [bytes, documents, deliveriesDay, quotaBytes, quotaMessages = 0, changesFloor = 0] = rest;
  return {
    mailboxNext,
    documentNext,
    threadNext,
    modseq,
    bytes,
    documents,
    deliveriesDay,
    quotaBytes,
    quotaMessages,
    changesFloor,
  };
}
