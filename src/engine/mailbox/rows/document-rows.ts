/**
 * Rows of many documents, one after the other. Those of a mailbox mostly lie side by side: there each is the next entry
 * of the table, which costs half of a look-up.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Invariant: each document is visited once and in order, as a look-up of its row would show it.
 */

import { Buffer } from 'node:buffer';
import { lastU32, type tables } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { RowKey } from './row-key.ts';

type Table = (typeof tables)['document'] | (typeof tables)['parsed'];

/** Rows between are passed by as long as every second one is wanted, and a few more. */
const gapsFew = 4;

/**
 * `at` is the document's place in the list. The row's bytes are good until the next reading of any row; undefined: it
 * has none. False: nothing more is wanted.
 */
type RowVisit = (at: number, row: Uint8Array | undefined) => boolean;

export class DocumentRows {
  readonly #shard: Pick<MailboxShard, 'each' | 'peek'>;
  readonly #key: RowKey;

  constructor(shard: Pick<MailboxShard, 'each' | 'peek'>, account: number) {
    this.#shard = shard;
    this.#key = new RowKey(account);
  }

  /** Of the documents from place `from` up to `to`, not included. */
  each(
    table: Table,
    documents: ArrayLike<number>,
    from: number,
    to: number,
    visit: RowVisit,
  ): void {
    if (areNear(documents, from, to)) this.#walk(table, documents, from, to, visit);
    else this.#lookUp(table, documents, from, to, visit);
  }

  #lookUp(
    table: Table,
    documents: ArrayLike<number>,
    from: number,
    to: number,
    visit: RowVisit,
  ): void {
    for (let at = from; at < to; at++) {
      if (!visit(at, this.#shard.peek(this.#key.of(table, documents[at]!)))) return;
    }
  }

  #walk(
    table: Table,
    documents: ArrayLike<number>,
    from: number,
    to: number,
    visit: RowVisit,
  ): void {
    const first = Buffer.from(this.#key.of(table, documents[from]!));
    const end = Buffer.from(this.#key.of(table, documents[to - 1]! + 1));
    let at = from;
    let goesOn = true;
    this.#shard.each(first, end, (key, row) => {
      const document = lastU32(key);
      for (; goesOn && documents[at]! < document; at++) goesOn = visit(at, undefined);
      if (goesOn && documents[at] === document) goesOn = visit(at++, row);
      return goesOn;
    });
    for (; goesOn && at < to; at++) goesOn = visit(at, undefined);
  }
}

/** They ascend, and few others lie between them. */
function areNear(documents: ArrayLike<number>, from: number, to: number): boolean {
  const count = to - from;
  if (count < 2) return false;
  if (documents[to - 1]! - documents[from]! >= 2 * count + gapsFew) return false;
  for (let at = from + 1; at < to; at++) if (documents[at]! <= documents[at - 1]!) return false;
  return true;
}
