/**
 * Idempotency keys, as clients give them in HTTP and in a message's header: both mean the same.
 *
 * Runs in:   edge (main thread).
 * Specs:     draft-ietf-httpapi-idempotency-key-header (what such a key is for).
 * Limits:    a key has `keyLengthMax` printable characters.
 * Invariant: keys of one tenant are not those of another.
 */

import { createHash } from 'node:crypto';
import type { TenantId } from '../../base/ids.ts';
import { fieldName, findField } from '../../mail/formats/headers/fields.ts';
import { HeaderScan } from '../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../mail/formats/headers/unfold.ts';

const keyLengthMax = 255;
const printable = /^[!-~](?:[ -~]*[!-~])?$/;
const keyField = fieldName('x-chaski-idempotency-key');
/** Almost all mail has none of these, which costs less to see than a header to scan. */
const marks = ['dempotency', 'DEMPOTENCY'].map((text) => Buffer.from(text, 'latin1'));
const headerEnd = Buffer.from('\r\n\r\n', 'latin1');
const scan = new HeaderScan();

export function isIdempotencyKey(key: string): boolean {
  return key.length <= keyLengthMax && printable.test(key);
}

/** 128 bits in hex. `index` counts the messages of one request. */
export function idempotencyHash(tenant: TenantId, key: string, index = 0): string {
  return createHash('sha256').update(`${tenant}\0${index}\0${key}`).digest('hex').slice(0, 32);
}

/** The hash of the key that a message's header has; undefined for none, and for what is no key. */
export function idempotencyOf(tenant: TenantId, parts: readonly Uint8Array[]): string | undefined {
  const header = headerOf(parts);
  if (!marks.some((mark) => header.includes(mark))) return undefined;
  scan.scan(header);
  const field = findField(scan, keyField);
  if (field < 0 || findField(scan, keyField, field + 1) >= 0) return undefined;
  const key = unfoldedValue(scan, field).trim();
  return isIdempotencyKey(key) ? idempotencyHash(tenant, key) : undefined;
}

/** The beginning of a message, with its header: its first part, as a rule. */
function headerOf(parts: readonly Uint8Array[]): Buffer {
  const [first] = parts;
  if (first === undefined) return Buffer.alloc(0);
  const beginning = Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  const end = beginning.indexOf(headerEnd);
  if (end >= 0) return beginning.subarray(0, end + headerEnd.length);
  return parts.length === 1 ? beginning : Buffer.concat(parts);
}
