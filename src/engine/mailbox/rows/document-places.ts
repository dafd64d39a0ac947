/**
 * Adds a place to a document's packed row where it stands: unpacking and packing all of it costs five times as much.
 *
 * Runs in:   engine threads; pure; hot: one for each message of a COPY.
 * Specs:     the msgpack format.
 * Invariant: what it writes is what `encodeDocument` would. A row it does not know it leaves to the caller.
 */

import { Buffer } from 'node:buffer';
import type { DocumentFacts } from './document-row.ts';
import { RowCursor } from './row-cursor.ts';

const cursor = new RowCursor();
const arrayOfFew = 0x90;
const fieldsOfRow = 11;
const fieldsOfPlace = 6;
/** Of one number, packed. */
const numberBytesMax = 5;
/** An array of more has another head. */
const numbersMax = 15;

export interface PlacedDocument extends DocumentFacts {
  readonly row: Uint8Array;
  /** It was in the mailbox before. */
  readonly wasThere: boolean;
}

/** Undefined: the row must be unpacked. */
export function placed(
  value: Uint8Array,
  mailbox: number,
  uid: number,
): PlacedDocument | undefined {
  // A kept one has a field more.
  if (value[0] !== (arrayOfFew | fieldsOfRow)) return undefined;
  cursor.open(value).skip(fieldsOfPlace);
  const facts = { size: cursor.number(), internalMs: cursor.number(), thread: cursor.number() };
  const headAt = cursor.skip().at;
  const count = cursor.array();
  if (count + 2 > numbersMax) return undefined;
  let wasThere = false;
  for (let i = 0; i < count; i += 2) {
    if (cursor.number() === mailbox) wasThere = true;
    cursor.skip();
  }
  if (cursor.isLost) return undefined;
  const row = Buffer.allocUnsafe(value.byteLength + 2 * numberBytesMax);
  row.set(value);
  row[headAt] = arrayOfFew | (count + 2);
  const end = putNumber(row, putNumber(row, value.byteLength, mailbox), uid);
  return { ...facts, row: row.subarray(0, end), wasThere };
}

/** As msgpackr packs what is at most 32 bits. */
function putNumber(row: Buffer, at: number, value: number): number {
  if (value < 0x80) return row.writeUInt8(value, at);
  if (value < 0x100) return row.writeUInt8(value, row.writeUInt8(0xcc, at));
  if (value < 0x1_0000) return row.writeUInt16BE(value, row.writeUInt8(0xcd, at));
  return row.writeUInt32BE(value, row.writeUInt8(0xce, at));
}
