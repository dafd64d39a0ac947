/**
 * What messages are sorted by, as columns: numbers, or ranks of texts.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5256 §3 (keys; equal messages stand in the order of the mailbox), RFC 5957 (DISPLAYFROM, DISPLAYTO).
 * Limits:    a column is 8 bytes a message while it is sorted; of texts each is kept once.
 */

import { codePointOrder } from '../../../mail/formats/text/casemap.ts';
import type { SortKey, SortKind } from '../../../mail/wire/imap/parse-sort.ts';
import { uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Facts, FactsColumn } from './facts-column.ts';
import type { Members } from './members.ts';
import { MessageRows, sortTexts } from './message-rows.ts';
import { inSlices, type Slices } from './slices.ts';
import { sortSteps } from './sort-steps.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

/** A message's own: a number, or a text that compares by code units. */
export type SortValue = number | string;

/** Reads sort values of one message after another. */
export class SortReader {
  readonly #shard: MailboxShard;
  readonly #order: readonly SortKey[];
  readonly #rows: MessageRows;

  constructor(shard: MailboxShard, account: number, order: readonly SortKey[]) {
    this.#shard = shard;
    this.#order = order;
    this.#rows = new MessageRows(shard, account);
  }

  /** At once as a rule; undefined: the message is gone. */
  values(document: number): SortValue[] | undefined | Promise<SortValue[] | undefined> {
    const values = this.#valuesOf(document);
    return values === 'away' ? this.#awayValues(document) : values;
  }

  #valuesOf(document: number, away?: Uint8Array): SortValue[] | undefined | 'away' {
    const rows = this.#rows.open(document, away);
    const values: SortValue[] = [];
    for (const { kind } of this.#order) {
      const value = sortValueOf(rows, kind);
      if (value === undefined) return 'away';
      values.push(value);
    }
    return values;
  }

  async #awayValues(document: number): Promise<SortValue[] | undefined> {
    const place = this.#rows.open(document).awayPlace();
    if (place === undefined) return undefined;
    const [bytes] = await this.#shard.readNear([place], place.bodyBytes);
    const values = bytes === undefined ? undefined : this.#valuesOf(document, bytes);
    return values === 'away' ? undefined : values;
  }
}

function sortValueOf(rows: MessageRows, kind: SortKind): SortValue | undefined {
  if (kind === 'ARRIVAL') return rows.internalMs;
  if (kind === 'SIZE') return rows.size;
  if (kind === 'DATE') return rows.sentMs;
  const text = rows.sortText(sortTexts[kind]);
  return text === undefined ? undefined : codePointOrder(text);
}

/** Less than 0: `a` stands first. 0: the mailbox's order decides. */
export function compareValues(
  a: readonly SortValue[],
  b: readonly SortValue[],
  order: readonly SortKey[],
): number {
  for (let i = 0; i < order.length; i++) {
    if (a[i] === b[i]) continue;
    return a[i]! < b[i]! === order[i]!.isReverse ? 1 : -1;
  }
  return 0;
}

/** Messages by place, ascending by UID, and the place of each in the order. */
export async function sortPlaces(
  reader: SortReader,
  facts: Facts,
  { uids, documents }: Members,
  order: readonly SortKey[],
  slices: Slices,
): Promise<Uint32Array> {
  const columns = order.map((): SortColumn => new SortColumn(documents.length));
  if (order.every(isOfFacts)) await readFacts(facts, { uids, documents }, order, columns, slices);
  else {
    for (let place = 0; place < documents.length; place++) {
      const found = reader.values(documents[place]!);
      const values = found instanceof Promise ? await found : found;
      for (let i = 0; i < columns.length; i++) columns[i]!.set(place, values?.[i]);
      if (slices.isOver) await slices.next();
    }
  }
  const keys: Float64Array[] = [];
  for (const [i, column] of columns.entries()) {
    keys.push(await inSlices(slices, column.keys(order[i]!.isReverse)));
  }
  return mergeSort(documents.length, comparatorOf(keys), slices);
}

function isOfFacts({ kind }: SortKey): boolean {
  return kind === 'ARRIVAL' || kind === 'SIZE';
}

async function readFacts(
  facts: Facts,
  { uids, documents }: Members,
  order: readonly SortKey[],
  columns: readonly SortColumn[],
  slices: Slices,
): Promise<void> {
  let number = -1;
  let block: FactsColumn | undefined;
  for (let place = 0; place < uids.length; place++) {
    const uid = uids[place]!;
    if (uid >>> uidBlockShift !== number) {
      if (slices.isOver) await slices.next();
      number = uid >>> uidBlockShift;
      block = facts.block(number);
    }
    const slot = uid & (uidBlockSlots - 1);
    facts.cover(block!, slot, documents[place]!);
    for (let i = 0; i < columns.length; i++) {
      const isDate = order[i]!.kind === 'ARRIVAL';
      columns[i]!.set(place, isDate ? block!.internalMs(slot) : block!.size(slot));
    }
  }
}

class SortColumn {
  readonly #numbers: Float64Array;
  /** By text, its number. */
  readonly #texts = new Map<string, number>();

  constructor(count: number) {
    this.#numbers = new Float64Array(count);
  }

  set(place: number, value: SortValue | undefined): void {
    if (typeof value !== 'string') {
      this.#numbers[place] = value ?? 0;
      return;
    }
    let number = this.#texts.get(value);
    if (number === undefined) {
      number = this.#texts.size;
      this.#texts.set(value, number);
    }
    this.#numbers[place] = number;
  }

  *keys(isReverse: boolean): Generator<void, Float64Array, void> {
    const keys = this.#numbers;
    if (this.#texts.size > 0) {
      const rankOf = yield* this.#ranks();
      for (let i = 0; i < keys.length; i++) {
        keys[i] = rankOf[keys[i]!]!;
        if (i % stepsMax === 0) yield;
      }
    }
    if (isReverse) for (let i = 0; i < keys.length; i++) keys[i] = -keys[i]!;
    return keys;
  }

  *#ranks(): Generator<void, Uint32Array, void> {
    const texts = [...this.#texts.keys()];
    yield;
    yield* sortSteps(texts, (a, b) => (a < b ? -1 : Number(a > b)));
    const rankOf = new Uint32Array(texts.length);
    for (const [rank, text] of texts.entries()) {
      rankOf[this.#texts.get(text)!] = rank;
      if (rank % stepsMax === 0) yield;
    }
    return rankOf;
  }
}

type Comparator = (a: number, b: number) => number;

function comparatorOf(keys: readonly Float64Array[]): Comparator {
  if (keys.length === 1) {
    const [only] = keys as [Float64Array];
    return (a, b) => only[a]! - only[b]! || a - b;
  }
  return (a, b) => {
    for (const key of keys) {
      const difference = key[a]! - key[b]!;
      if (difference !== 0) return difference;
    }
    return a - b;
  };
}

/** Sorted at once; then two runs are merged into one, in slices. */
const runLength = 1_024;

/** What is in order already, or in the opposite one, costs a look: dates rise with UIDs as a rule. */
async function mergeSort(count: number, compare: Comparator, slices: Slices): Promise<Uint32Array> {
  let from = new Uint32Array(count);
  for (let i = 0; i < count; i++) from[i] = i;
  const run = await firstRun(count, compare, slices);
  if (run.length === count) return run.isReverse ? from.reverse() : from;
  let to = new Uint32Array(count);
  for (let start = 0; start < count; start += runLength) {
    sortRun(from.subarray(start, start + runLength), compare);
    if (slices.isOver) await slices.next();
  }
  for (let width = runLength; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const [middle, end] = [Math.min(count, start + width), Math.min(count, start + 2 * width)];
      if (joined(from, to, [start, middle, end], compare)) continue;
      let [i, j] = [start, middle];
      for (let at = start; at < end; at++) {
        const isLeft = i < middle && (j >= end || compare(from[i]!, from[j]!) <= 0);
        to[at] = isLeft ? from[i++]! : from[j++]!;
        if ((at & 0xff) === 0 && slices.isOver) await slices.next();
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

/** As long as all stand in order, or in the reverse of it: by arrival and by date most mailboxes do from end to end. */
async function firstRun(
  count: number,
  compare: Comparator,
  slices: Slices,
): Promise<{ readonly length: number; readonly isReverse: boolean }> {
  const isReverse = count > 1 && compare(0, 1) > 0;
  let length = Math.min(count, 1);
  while (length < count && compare(length - 1, length) > 0 === isReverse) {
    length++;
    if ((length & 0xfff) === 0 && slices.isOver) await slices.next();
  }
  return { length, isReverse };
}

function sortRun(run: Uint32Array, compare: Comparator): void {
  let [isRising, isFalling] = [true, true];
  for (let i = 1; i < run.length && (isRising || isFalling); i++) {
    const isAfter = compare(run[i - 1]!, run[i]!) > 0;
    if (isAfter) isRising = false;
    else isFalling = false;
  }
  if (isRising) return;
  if (isFalling) run.reverse();
  else run.sort(compare);
}

/** Two runs of which all of one stands before all of the other. */
function joined(
  from: Uint32Array,
  to: Uint32Array,
  [start, middle, end]: readonly [number, number, number],
  compare: Comparator,
): boolean {
  const [left, right] = [from.subarray(start, middle), from.subarray(middle, end)];
  const isInOrder = right.length === 0 || compare(left.at(-1)!, right[0]!) <= 0;
  if (!isInOrder && compare(right.at(-1)!, left[0]!) > 0) return false;
  to.set(isInOrder ? left : right, start);
  to.set(isInOrder ? right : left, start + (isInOrder ? left : right).length);
  return true;
}
