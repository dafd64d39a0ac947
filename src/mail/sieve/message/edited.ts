/**
 * A message with the edits of a script done to its header.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5293 §4 to §6, RFC 2047 (what is not ASCII is encoded), RFC 5322 §2.1.1 (lines are folded).
 * Invariant: the body and the fields that stay are not touched: signatures over them hold. No value ends a line.
 */

import { Buffer } from 'node:buffer';
import { encodedField } from '../../formats/headers/encode.ts';
import { nameOf, rawField } from '../../formats/headers/fields.ts';
import { HeaderScan } from '../../formats/headers/scan.ts';
import type { AddHeader, DeleteHeader } from '../run/actions.ts';

export type HeaderEdit = AddHeader | DeleteHeader;

interface Field {
  /** In lower case; "" for a line that is no field. */
  readonly name: string;
  readonly raw: Uint8Array;
}

export interface EditedHeader {
  /** In order: the fields. */
  readonly fields: readonly Uint8Array[];
  /** Where the rest of the message begins, its empty line first. */
  readonly restStart: number;
}

/** `bytes` have the whole header. The fields are new ones and views. */
export function editedHeader(bytes: Uint8Array, edits: readonly HeaderEdit[]): EditedHeader {
  const scan = new HeaderScan();
  scan.scan(bytes);
  const fields: Field[] = [];
  for (let field = 0; field < scan.count; field++) {
    fields.push({ name: nameOf(scan, field).toLowerCase(), raw: rawField(scan, field) });
  }
  for (const edit of edits) {
    if (edit.action === 'addheader') add(fields, edit);
    else remove(fields, edit);
  }
  return { fields: fields.map(({ raw }) => raw), restStart: scan.headerEnd };
}

/** All of it, in order. */
export function editedMessage(bytes: Uint8Array, edits: readonly HeaderEdit[]): Uint8Array[] {
  const { fields, restStart } = editedHeader(bytes, edits);
  return [...fields, bytes.subarray(restStart)];
}

function add(fields: Field[], { name, value, last }: AddHeader): void {
  const raw = Buffer.from(encodedField(name, value), 'latin1');
  const field = { name: name.toLowerCase(), raw };
  if (last) fields.push(field);
  else fields.unshift(field);
}

function remove(fields: Field[], { name, index }: DeleteHeader): void {
  const wanted = name.toLowerCase();
  let left = index;
  const at = fields.findIndex((field) => field.name === wanted && --left === 0);
  if (at >= 0) fields.splice(at, 1);
}
