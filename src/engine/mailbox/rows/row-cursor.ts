/**
 * Reads fields of a packed row where they stand: unpacking all of it costs ten times as much.
 *
 * Runs in:   engine threads; pure; hot.
 * Specs:     the msgpack format: arrays, numbers, strings, binary.
 * Invariant: reads what `packing.ts` writes. What it does not know it reports, and never throws: the caller unpacks the
 *            whole row, or says that it is none of ours.
 */

import { emptyBytes, view } from '../../../base/bytes.ts';

const eight = new Float64Array(1);
/** The same bytes: the last is the first on the wire where the machine is little-endian. */
const eightBytes = new Uint8Array(eight.buffer);
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** One object for many rows: `open` turns it to another. */
export class RowCursor {
  #row: Uint8Array = emptyBytes;
  #at = 0;
  /** Of the row. */
  fields = 0;
  /** Something stood there that is not read here: what was read since `open` means nothing. */
  isLost = false;

  /** Stands at the row's first field. Keeps the row until the next `open`; its bytes may be those of `peek`. */
  open(row: Uint8Array): this {
    this.#row = row;
    this.#at = 0;
    this.isLost = false;
    this.fields = this.array();
    return this;
  }

  get bytesOfRow(): Uint8Array {
    return this.#row;
  }

  /** Where in the row it stands. */
  get at(): number {
    return this.#at;
  }

  /** Enters an array; how many fields it has. */
  array(): number {
    const head = this.#row[this.#at++]!;
    if ((head & 0xf0) === 0x90) return head & 0x0f;
    if (head === 0xdc) return this.#unsigned(2);
    if (head === 0xdd) return this.#unsigned(4);
    return this.#lost();
  }

  number(): number {
    const head = this.#row[this.#at++]!;
    if (head < 0x80) return head;
    switch (head) {
      case 0xcc:
        return this.#row[this.#at++]!;
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xcb:
        return this.#float64();
      default:
        return this.#seldom(head);
    }
  }

  text(): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return view(this.#row).toString('utf8', start, this.#at);
  }

  /** A view of the row's own bytes: of a string or a binary field. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return this.#row.subarray(start, this.#at);
  }

  /** Passes by a string or a binary field; how long it is. It ends where the cursor stands then. */
  passBytes(): number {
    const length = this.#length();
    this.#at += length;
    return length;
  }

  /** Passes by the next fields, whatever they are. */
  skip(fields = 1): this {
    for (let left = fields; left > 0 && !this.isLost; left--) {
      const head = this.#row[this.#at]!;
      if (head < 0x80 || head >= 0xe0) this.#at++;
      else if (head >= 0xca && head <= 0xd3) this.#at += 1 + numberBytes[head - 0xca]!;
      else if ((head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd) left += this.array();
      else if (head >= 0xc0 && head <= 0xc3) this.#at++;
      else {
        const length = this.#length();
        this.#at += length;
      }
    }
    return this;
  }

  /** The length of what follows: string or binary. */
  #length(): number {
    const head = this.#row[this.#at++]!;
    if (head === 0xc4 || head === 0xd9) return this.#row[this.#at++]!;
    if (head === 0xc5 || head === 0xda) return this.#unsigned(2);
    if ((head & 0xe0) === 0xa0) return head & 0x1f;
    if (head === 0xc6 || head === 0xdb) return this.#unsigned(4);
    return this.#lost();
  }

  /** Numbers that rows rarely have. */
  #seldom(head: number): number {
    if (head >= 0xe0) return head - 0x100;
    // Past the row's end there is no head either.
    if (!(head >= 0xca && head <= 0xd3)) return this.#lost();
    const bytes = numberBytes[head - 0xca]!;
    const row = view(this.#row);
    const start = this.#at;
    this.#at += bytes;
    if (this.#at > row.length) return this.#lost();
    if (head === 0xca) return row.readFloatBE(start);
    if (head === 0xcf) return Number(row.readBigUInt64BE(start));
    return head === 0xd3 ? Number(row.readBigInt64BE(start)) : row.readIntBE(start, bytes);
  }

  #float64(): number {
    const row = this.#row;
    for (let i = 0; i < 8; i++) eightBytes[isLittleEndian ? 7 - i : i] = row[this.#at + i]!;
    this.#at += 8;
    return eight[0]!;
  }

  #unsigned(bytes: 2 | 4): number {
    const row = this.#row;
    const at = this.#at;
    this.#at += bytes;
    if (bytes === 2) return row[at]! * 0x100 + row[at + 1]!;
    return row[at]! * 0x100_0000 + ((row[at + 1]! << 16) | (row[at + 2]! << 8) | row[at + 3]!);
  }

  #lost(): number {
    this.isLost = true;
    return 0;
  }
}

/** After the type: float32, float64, uint8 to uint64, int8 to int64. */
const numberBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8];
