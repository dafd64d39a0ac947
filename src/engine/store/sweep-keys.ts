/**
 * Keys of what looks go through now and then: snoozed messages, within an account what comes back first; and accounts
 * that taught what is spam.
 *
 * Runs in:   anywhere; pure.
 */

import { Buffer } from 'node:buffer';
import { dateMsMax, type KeyRange, key1, tables } from './keys.ts';

export function snoozedKey(account: number, untilMs: number, mailbox: number, uid: number): Buffer {
  const key = Buffer.allocUnsafe(19);
  key[0] = tables.snoozed;
  key.writeUInt32BE(account, 1);
  key.writeUIntBE(Math.min(untilMs, dateMsMax), 5, 6);
  key.writeUInt32BE(mailbox, 11);
  key.writeUInt32BE(uid, 15);
  return key;
}

/** What comes back at `nowMs` or before. */
export const snoozedOf = (account: number, nowMs: number): KeyRange => ({
  from: key1(tables.snoozed, account),
  to: snoozedKey(account, nowMs + 1, 0, 0),
});

/** From an account on. */
export const snoozesFrom = (account: number): KeyRange => ({
  from: key1(tables.snoozed, account),
  to: Buffer.of(tables.snoozed + 1),
});

export function snoozedNap(
  key: Uint8Array,
): readonly [untilMs: number, mailbox: number, uid: number] {
  const row = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return [row.readUIntBE(5, 6), row.readUInt32BE(11), row.readUInt32BE(15)];
}

export const taughtKey = (account: number): Buffer => key1(tables.taught, account);

/** From an account on. */
export const taughtFrom = (account: number): KeyRange => ({
  from: key1(tables.taught, account),
  to: Buffer.of(tables.taught + 1),
});
