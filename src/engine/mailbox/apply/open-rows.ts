/**
 * Rows of one table that a record reads and changes again and again: unpacked once, packed once.
 *
 * Runs in:   engine threads; hot: a thread's row comes with each of its messages.
 * Invariant: until `flush` the table does not know of the changes: whoever wants such a row asks here.
 */

import type { TableEdit } from './table-edit.ts';

export interface RowKind<Row> {
  readonly key: (account: number, number: number) => Uint8Array;
  readonly encode: (row: Row) => Uint8Array;
  readonly decode: (value: Uint8Array) => Row;
  /** Writes the rows that follow from this one. */
  readonly changed?: (
    table: TableEdit,
    account: number,
    number: number,
    before: Row | undefined,
    after: Row | undefined,
  ) => void;
}

export class OpenRows<Row> {
  readonly #table: TableEdit;
  readonly #account: number;
  readonly #kind: RowKind<Row>;
  readonly #rows = new Map<number, Row | undefined>();
  /** Changed and never unpacked. */
  readonly #packed = new Map<number, Uint8Array>();
  /** Of those changed: as the table has them. */
  readonly #before = new Map<number, Row | undefined>();

  constructor(table: TableEdit, account: number, kind: RowKind<Row>) {
    this.#table = table;
    this.#account = account;
    this.#kind = kind;
  }

  get(number: number): Row | undefined {
    const known = this.#rows.get(number);
    if (known !== undefined || this.#rows.has(number)) return known;
    const packed = this.#packed.get(number);
    const value = packed ?? this.#table.get(this.#kind.key(this.#account, number));
    const row = value === undefined ? undefined : this.#kind.decode(value);
    this.#rows.set(number, row);
    if (packed !== undefined) {
      this.#packed.delete(number);
      this.#before.set(number, row);
    }
    return row;
  }

  /** As it is packed, for a change that can be made there; undefined: it is not there, or unpacked already. */
  packed(number: number): Uint8Array | undefined {
    if (this.#rows.has(number)) return undefined;
    return this.#packed.get(number) ?? this.#table.get(this.#kind.key(this.#account, number));
  }

  /** In place of what `packed` gave. Not of a kind that writes rows that follow. */
  putPacked(number: number, value: Uint8Array): void {
    this.#packed.set(number, value);
  }

  /** One that was not got before is new. */
  put(number: number, row: Row): void {
    this.#set(number, row);
  }

  remove(number: number): void {
    this.#set(number, undefined);
  }

  flush(): void {
    for (const [number, before] of this.#before) {
      const key = this.#kind.key(this.#account, number);
      const row = this.#rows.get(number);
      this.#kind.changed?.(this.#table, this.#account, number, before, row);
      if (row === undefined) this.#table.remove(key);
      else this.#table.putOnly(key, this.#kind.encode(row));
    }
    this.#before.clear();
    for (const [number, value] of this.#packed) {
      this.#table.putOnly(this.#kind.key(this.#account, number), value);
    }
    this.#packed.clear();
  }

  #set(number: number, row: Row | undefined): void {
    if (!this.#before.has(number)) this.#before.set(number, this.#rows.get(number));
    this.#rows.set(number, row);
  }
}
