/**
 * Walks a packed row without decoding it: for scans that want one or two fields of a million rows.
 *
 * Runs in:   engine threads; pure; hot.
 * Specs:     msgpack, as `packing.ts` writes it: arrays, strings, binary, numbers.
 * Invariant: reads only rows of our own; a type it does not know is a broken row.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';

export class PackedScan {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Stands at the row's first field. Keeps the bytes until the next row. */
  open(row: Uint8Array): this {
    this.#bytes = Buffer.isBuffer(row)
      ? row
      : Buffer.from(row.buffer, row.byteOffset, row.byteLength);
    this.#at = 0;
    this.array();
    return this;
  }

  /** Where in the row it stands. */
  get at(): number {
    return this.#at;
  }

  /** Enters an array; how many fields it has. */
  array(): number {
    const type = this.#byte();
    if (type >= 0x90 && type <= 0x9f) return type & 0x0f;
    if (type === 0xdc) return this.#uint(2);
    assert(type === 0xdd, 'an array in a packed row');
    return this.#uint(4);
  }

  number(): number {
    const type = this.#byte();
    if (type < 0x80) return type;
    if (type >= 0xe0) return type - 0x100;
    const at = this.#at;
    const bytes = this.#bytes;
    this.#at += numberBytes(type);
    switch (type) {
      case 0xca:
        return bytes.readFloatBE(at);
      case 0xcb:
        return bytes.readDoubleBE(at);
      case 0xcf:
        return Number(bytes.readBigUInt64BE(at));
      case 0xd3:
        return Number(bytes.readBigInt64BE(at));
      default:
        return type < 0xd0
          ? bytes.readUIntBE(at, numberBytes(type))
          : bytes.readIntBE(at, numberBytes(type));
    }
  }

  text(): string {
    const length = this.#enter();
    const at = this.#at;
    this.#at += length;
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** A view of a binary field. */
  binary(): Buffer {
    const length = this.#enter();
    const at = this.#at;
    this.#at += length;
    return this.#bytes.subarray(at, at + length);
  }

  /** Passes by the next fields. */
  skip(fields = 1): this {
    for (let left = fields; left > 0; left--) {
      const type = this.#bytes[this.#at]!;
      if ((type >= 0x90 && type <= 0x9f) || type === 0xdc || type === 0xdd) left += this.array();
      else if (isText(type)) {
        const length = this.#enter();
        this.#at += length;
      } else {
        this.#at++;
        this.#at += numberBytes(type);
      }
    }
    return this;
  }

  /** The length of what follows: string or binary. */
  #enter(): number {
    const type = this.#byte();
    if (type >= 0xa0 && type <= 0xbf) return type & 0x1f;
    if (type === 0xd9 || type === 0xc4) return this.#uint(1);
    if (type === 0xda || type === 0xc5) return this.#uint(2);
    assert(type === 0xdb || type === 0xc6, 'a text in a packed row');
    return this.#uint(4);
  }

  #byte(): number {
    return this.#bytes[this.#at++]!;
  }

  #uint(bytes: number): number {
    const value = this.#bytes.readUIntBE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }
}

function isText(type: number): boolean {
  return (
    (type >= 0xa0 && type <= 0xbf) ||
    (type >= 0xc4 && type <= 0xc6) ||
    (type >= 0xd9 && type <= 0xdb)
  );
}

/** After the type: of numbers, nil and booleans. */
function numberBytes(type: number): number {
  if (type < 0x80 || type >= 0xe0 || (type >= 0xc0 && type <= 0xc3)) return 0;
  if (type === 0xcc || type === 0xd0) return 1;
  if (type === 0xcd || type === 0xd1) return 2;
  if (type === 0xce || type === 0xd2 || type === 0xca) return 4;
  assert(type === 0xcf || type === 0xd3 || type === 0xcb, 'a number in a packed row');
  return 8;
}
