/**
 * Which of an account's mailboxes is its quarantine: whoever goes through all quarantines of a shard reads these alone.
 *
 * Runs in:   engine threads; pure.
 */

import { packRow, unpackRow } from './packing.ts';

export interface QuarantineRow {
  readonly tenant: number;
  readonly mailbox: number;
}

export function encodeQuarantine({ tenant, mailbox }: QuarantineRow): Uint8Array {
  return packRow([tenant, mailbox]);
}

export function decodeQuarantine(value: Uint8Array): QuarantineRow {
  const [tenant, mailbox] = unpackRow<readonly [number, number]>(value);
  return { tenant, mailbox };
}
