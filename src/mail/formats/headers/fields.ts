/**
 * Questions to a scanned header: which field is it, where is the next one, what are its bytes.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §1.2.2 (names match without regard to case).
 */

import { latin1 } from '../../../base/bytes.ts';
import type { HeaderScan } from './scan.ts';

/** A field's name in lower case, as bytes: made once per name, compared often. */
export type FieldName = Uint8Array & { readonly fieldName?: never };

export function fieldName(name: string): FieldName {
  return new Uint8Array(latin1(name.toLowerCase()));
}

/** Whether the bytes from `start` to `end` are `name`. Names hold letters, digits and hyphens only. */
function nameIs(bytes: Uint8Array, start: number, end: number, name: FieldName): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    const lower = byte >= 65 && byte <= 90 ? byte | 32 : byte;
    if (lower !== name[i]) return false;
  }
  return true;
}

export function isField(scan: HeaderScan, field: number, name: FieldName): boolean {
  return nameIs(scan.bytes, scan.nameStart(field), scan.nameEnd(field), name);
}

/** The first field of that name from `from` on, or -1. */
export function findField(scan: HeaderScan, name: FieldName, from = 0): number {
  for (let field = from; field < scan.count; field++) {
    if (isField(scan, field, name)) return field;
  }
  return -1;
}

/** Name as written, white space before the colon left out; "" for a line that is no field. */
export function nameOf(scan: HeaderScan, field: number): string {
  return text(scan.bytes, scan.nameStart(field), scan.nameEnd(field));
}

/** The whole field with its line break: a view. */
export function rawField(scan: HeaderScan, field: number): Uint8Array {
  return scan.bytes.subarray(scan.nameStart(field), scan.rawEnd(field));
}

function text(bytes: Uint8Array, start: number, end: number): string {
  let out = '';
  for (let at = start; at < end; at++) out += String.fromCharCode(bytes[at]!);
  return out;
}
