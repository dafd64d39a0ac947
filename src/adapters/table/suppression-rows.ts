/**
 * Keys and rows of a suppression list kept in an ordered table.
 *
 * Runs in:   any thread; pure.
 * Invariant: numbers are big-endian, so that they sort. An address is one row, whatever was said of it: a look-up is
 *            one read.
 *
 *   c·tenant                           how many addresses the tenant has rows for
 *   e·tenant·domain·0·localPart        its entries
 *   f·place                            a fact that was not told yet
 *   s·tenant·domain·0·localPart        bounces that were not final
 *   v·name                             a small value
 *   x·until·tenant·domain·0·localPart  some entry of this address runs out then
 */

import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import { type TenantId, tenantId } from '../../base/ids.ts';
import {
  type Suppression,
  type SuppressionFilter,
  type SuppressionReason,
  suppressionReasons,
} from '../../ports/suppressions.ts';
import type { SplitAddress } from './addresses.ts';

const packr = new Packr({ useRecords: false });

/** stream, place of the reason, since, until, note. */
export type EntryRow = readonly [
  stream: string,
  reason: number,
  sinceMs: number,
  untilMs: number,
  note: string,
];

/** When, and which. */
export type BounceRow = readonly [atMs: number, bounce: string];

export const countKey = (tenant: TenantId) => underTenant('c', tenant, '');
export const entryKey = (tenant: TenantId, name: SplitAddress) =>
  underTenant('e', tenant, textOf(name));
export const bouncesKey = (tenant: TenantId, name: SplitAddress) =>
  underTenant('s', tenant, textOf(name));
export const valueKey = (name: string) => Buffer.from(`v${name}`);

export const everyCount = { from: Buffer.from('c'), to: Buffer.from('d') };
export const everyFact = { from: Buffer.from('f'), to: Buffer.from('g') };
export const everyExpiry = { from: Buffer.from('x'), to: Buffer.from('y') };

export function entriesOf(tenant: TenantId) {
  const from = underTenant('e', tenant, '');
  return { from, to: Buffer.concat([from, Buffer.of(0xff)]) };
}

export function valuesOf(prefix: string) {
  const from = valueKey(prefix);
  return { from, to: Buffer.concat([from, Buffer.of(0xff)]) };
}

export function nameOfValueKey(key: Uint8Array): string {
  return bufferOf(key).toString('utf8', 1);
}

export function factKey(place: number): Buffer {
  const key = Buffer.alloc(7);
  key.write('f');
  key.writeUIntBE(place, 1, 6);
  return key;
}

export function placeOfFactKey(key: Uint8Array): number {
  return bufferOf(key).readUIntBE(1, 6);
}

export function expiryKey(untilMs: number, entry: Uint8Array): Buffer {
  const head = Buffer.alloc(7);
  head.write('x');
  head.writeUIntBE(untilMs, 1, 6);
  return Buffer.concat([head, entry.subarray(1)]);
}

export function untilOfExpiryKey(key: Uint8Array): number {
  return bufferOf(key).readUIntBE(1, 6);
}

/** The key of the entries an expiry is of. */
export function entryOfExpiryKey(key: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('e'), key.subarray(7)]);
}

export function tenantOfKey(key: Uint8Array): TenantId {
  return tenantId(bufferOf(key).readUInt32BE(1));
}

/** What a page ends with, and the next begins after. */
export function cursorOf(key: Uint8Array): string {
  return bufferOf(key).subarray(5).toString('base64url');
}

export function keyOfCursor(tenant: TenantId, cursor: string): Buffer {
  const rest = Buffer.from(cursor, 'base64url');
  return Buffer.concat([underTenant('e', tenant, ''), rest, Buffer.of(0)]);
}

export function addressOfKey(key: Uint8Array): string {
  const [domain = '', localPart = ''] = bufferOf(key).toString('utf8', 5).split('\0');
  return `${localPart}@${domain}`;
}

export function encodeRow(row: readonly EntryRow[] | readonly BounceRow[] | number): Buffer {
  return Buffer.from(packr.pack(row));
}

export function decodeRow<Row>(value: Uint8Array): Row {
  return packr.unpack(value) as Row;
}

export function entryRowOf(entry: Omit<Suppression, 'tenant' | 'address'>): EntryRow {
  const { stream, reason, sinceMs, untilMs, note } = entry;
  return [stream, suppressionReasons.indexOf(reason), sinceMs, untilMs, note];
}

export function suppressionOf(tenant: TenantId, address: string, row: EntryRow): Suppression {
  const [stream, reason, sinceMs, untilMs, note] = row;
  return { tenant, address, stream, reason: reasonOf(reason), sinceMs, untilMs, note };
}

export function reasonOf(place: number): SuppressionReason {
  return suppressionReasons[place] ?? 'manual';
}

export function isMatch([stream, reason]: EntryRow, filter: SuppressionFilter): boolean {
  if (filter.stream !== undefined && filter.stream !== stream) return false;
  return filter.reason === undefined || filter.reason === reasonOf(reason);
}

export function isOver([, , , untilMs]: EntryRow, nowMs: number): boolean {
  return untilMs !== 0 && untilMs <= nowMs;
}

function underTenant(table: string, tenant: TenantId, text: string): Buffer {
  const key = Buffer.allocUnsafe(5 + Buffer.byteLength(text));
  key.write(table);
  key.writeUInt32BE(tenant, 1);
  key.write(text, 5);
  return key;
}

function textOf({ domain, localPart }: SplitAddress): string {
  return `${domain}\0${localPart}`;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
