/**
 * Where a snoozed message goes when its time comes, and with which flags.
 *
 * Runs in: engine threads; pure.
 */

import { packRow, unpackRow } from './packing.ts';

export interface SnoozedRow {
  readonly tenant: number;
  /** As scripts name it: by its name, "" for INBOX; by its id and its use where they have them. */
  readonly mailbox: string;
  readonly mailboxId: string;
  readonly specialUse: string;
  readonly create: boolean;
  readonly addFlags: readonly string[];
  readonly removeFlags: readonly string[];
}

export type PackedSnoozed = readonly [
  tenant: number,
  mailbox: string,
  mailboxId: string,
  specialUse: string,
  create: boolean,
  addFlags: readonly string[],
  removeFlags: readonly string[],
];

export function encodeSnoozed(packed: PackedSnoozed): Uint8Array {
  return packRow(packed);
}

export function decodeSnoozed(value: Uint8Array): SnoozedRow {
  const [tenant, mailbox, mailboxId, specialUse, create, addFlags, removeFlags] =
    unpackRow<PackedSnoozed>(value);
  return { tenant, mailbox, mailboxId, specialUse, create, addFlags, removeFlags };
}
