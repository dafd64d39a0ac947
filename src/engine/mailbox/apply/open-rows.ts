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
}

export class OpenRows<Row> {
  readonly #table: TableEdit;
  readonly #account: number;
  readonly #kind: RowKind<Row>;
  readonly #rows = new Map<number, Row | undefined>();
  readonly #changed = new Set<number>();

  constructor(table: TableEdit, account: number, kind: RowKind<Row>) {
    this.#table = table;
    this.#account = account;
    this.#kind = kind;
  }

  get(number: number): Row | undefined {
    const known = this.#rows.get(number);
    if (known !== undefined || this.#rows.has(number)) return known;
    const value = this.#table.get(this.#kind.key(this.#account, number));
    const row = value === undefined ? undefined : this.#kind.decode(value);
    this.#rows.set(number, row);
    return row;
  }

  put(number: number, row: Row): void {
    this.#rows.set(number, row);
    this.#changed.add(number);
  }

  remove(number: number): void {
    this.#rows.set(number, undefined);
    this.#changed.add(number);
  }

  flush(): void {
    for (const number of this.#changed) {
      const key = this.#kind.key(this.#account, number);
      const row = this.#rows.get(number);
      if (row === undefined) this.#table.remove(key);
      else this.#table.putOnly(key, this.#kind.encode(row));
    }
    this.#changed.clear();
  }
}
