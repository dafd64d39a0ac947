/**
 * How rows and record metas with few, mixed fields are packed: msgpack arrays, fields by place.
 *
 * Runs in:   engine threads; pure. Hot columns (uid blocks, ranges, keys) have layouts of their own.
 */

import { Packr } from 'msgpackr';

// Plain arrays and numbers only: equal values must pack to equal bytes, whatever was packed before.
const packr = new Packr({ useRecords: false, moreTypes: false, useBigIntExtension: false });

export function packRow(row: readonly unknown[]): Uint8Array {
  return packr.pack(row);
}

export function unpackRow<Row extends readonly unknown[]>(value: Uint8Array): Row {
  return packr.unpack(value) as Row;
}
