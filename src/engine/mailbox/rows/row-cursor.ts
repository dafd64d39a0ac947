/**
 * Reads the first fields of a packed row where they stand: unpacking all of it costs ten times as much.
 *
 * Runs in:   engine threads; pure; hot.
 * Specs:     the msgpack format.
 * Invariant: reads what `packing.ts` writes. What it does not know it reports, and the caller unpacks the whole row.
 */

const arrayOfFew = 0x90;
const float64 = 0xcb;
const bin8 = 0xc4;
const bin16 = 0xc5;
const unsigned8 = 0xcc;
const unsigned16 = 0xcd;
const unsigned32 = 0xce;

const eight = new DataView(new ArrayBuffer(8));

/** One object for many rows: `open` turns it to another. */
export class RowCursor {
  #row: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Something stood there that is not read here: what was read since `open` means nothing. */
  isLost = false;

  /** Keeps the row until the next `open`; its bytes may be those of `peek`. */
  open(row: Uint8Array, fields: number): this {
    this.#row = row;
    this.#at = 1;
    this.isLost = row[0] !== (arrayOfFew | fields);
    return this;
  }

  number(): number {
    const row = this.#row;
    const head = row[this.#at++]!;
    if (head < 0x80) return head;
    switch (head) {
      case unsigned8:
        return row[this.#at++]!;
      case unsigned16:
        this.#at += 2;
        return row[this.#at - 2]! * 0x100 + row[this.#at - 1]!;
      case unsigned32:
        this.#at += 4;
        return u32(row, this.#at - 4);
      case float64:
        for (let i = 0; i < 8; i++) eight.setUint8(i, row[this.#at++]!);
        return eight.getFloat64(0);
      default:
        this.isLost = true;
        return 0;
    }
  }

  skipNumbers(count: number): this {
    for (let i = 0; i < count; i++) this.number();
    return this;
  }

  /** A view of the row's own bytes. */
  bytes(): Uint8Array {
    const length = this.#length();
    const octets = this.#row.subarray(this.#at, this.#at + length);
    this.#at += length;
    return octets;
  }

  skipBytes(): this {
    const length = this.#length();
    this.#at += length;
    return this;
  }

  #length(): number {
    const row = this.#row;
    const head = row[this.#at++]!;
    if (head === bin8) return row[this.#at++]!;
    if (head === bin16) {
      this.#at += 2;
      return row[this.#at - 2]! * 0x100 + row[this.#at - 1]!;
    }
    this.isLost = true;
    return 0;
  }
}

function u32(row: Uint8Array, at: number): number {
  return row[at]! * 0x100_0000 + ((row[at + 1]! << 16) | (row[at + 2]! << 8) | row[at + 3]!);
}
