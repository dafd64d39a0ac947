/**
 * What messages are sorted by, as columns: numbers, or ranks of texts.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5256 §3 (keys; equal messages stand in the order of the mailbox), RFC 5957 (DISPLAYFROM, DISPLAYTO).
 * Limits:    a column is 8 bytes a message while it is sorted; of texts each is kept once.
 */

import { codePointOrder } from '../../../mail/formats/text/casemap.ts';
import type { SortKey, SortKind } from '../../../mail/wire/imap/parse-sort.ts';
import { tables, uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import type { Facts, FactsColumn } from './facts-column.ts';
import type { Members } from './members.ts';
import { MessageRows, sortTexts } from './message-rows.ts';
import { inSlices, type Slices } from './slices.ts';
import { sortSteps } from './sort-steps.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;
/** Rows between two looks at the time. */
const groupCount = 128;

/** A message's own: a number, or a text that compares by code units. */
export type SortValue = number | string;

/** Reads sort values of one message after another. */
export class SortReader {
  readonly #shard: MailboxShard;
  readonly #order: readonly SortKey[];
  readonly #rows: MessageRows;
  readonly #documentRows: DocumentRows;

  constructor(shard: MailboxShard, account: number, order: readonly SortKey[]) {
    this.#shard = shard;
    this.#order = order;
    this.#rows = new MessageRows(shard, account);
    this.#documentRows = new DocumentRows(shard, account);
  }

  /** As `values`, of the documents from place `from` up to `to`; which of them stand in the journal is answered. */
  each(
    documents: Uint32Array,
    from: number,
    to: number,
    visit: (at: number, values: SortValue[]) => void,
  ): number[] {
    const aways: number[] = [];
    this.#documentRows.each(tables.parsed, documents, from, to, (at, row) => {
      const values = this.#valuesOf(this.#rows.walkedTo(documents[at]!, row));
      if (values === 'away') aways.push(at);
      else visit(at, values);
      return true;
    });
    return aways;
  }

  /** At once as a rule; undefined: the message is gone. */
  values(document: number): SortValue[] | undefined | Promise<SortValue[] | undefined> {
    const values = this.#valuesOf(this.#rows.open(document));
    return values === 'away' ? this.#awayValues(document) : values;
  }

  #valuesOf(rows: MessageRows): SortValue[] | 'away' {
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
    const values =
      bytes === undefined ? undefined : this.#valuesOf(this.#rows.open(document, bytes));
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
  reader: Pick<SortReader, 'each' | 'values'>,
  facts: Facts,
  { uids, documents }: Members,
  order: readonly SortKey[],
  slices: Slices,
): Promise<Uint32Array> {
  const columns = order.map((): SortColumn => new SortColumn(documents.length));
  if (order.every(isOfFacts)) await readFacts(facts, { uids, documents }, order, columns, slices);
  else {
    const set = (place: number, values: SortValue[] | undefined) => {
      for (let i = 0; i < columns.length; i++) columns[i]!.set(place, values?.[i]);
    };
    for (let from = 0; from < documents.length; from += groupCount) {
      const to = Math.min(documents.length, from + groupCount);
      for (const place of reader.each(documents, from, to, set)) {
        set(place, await reader.values(documents[place]!));
      }
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
  for (let start = 0; start < uids.length; ) {
    if (slices.isOver) await slices.next();
    const number = uids[start]! >>> uidBlockShift;
    const block = facts.block(number);
    const end = endOfBlock(uids, start);
    coverBlock(facts, block, { uids, documents }, start, end);
    for (let place = start; place < end; place++) {
      const slot = uids[place]! & (uidBlockSlots - 1);
      for (let i = 0; i < columns.length; i++) {
        const isDate = order[i]!.kind === 'ARRIVAL';
        columns[i]!.set(place, isDate ? block.internalMs(slot) : block.size(slot));
      }
    }
    start = end;
  }
}

/** After the last that is of the same block as the one at `start`. */
function endOfBlock(uids: Uint32Array, start: number): number {
  const number = uids[start]! >>> uidBlockShift;
  let end = start + 1;
  while (end < uids.length && uids[end]! >>> uidBlockShift === number) end++;
  return end;
}

function coverBlock(
  facts: Facts,
  block: FactsColumn,
  { uids, documents }: Members,
  start: number,
  end: number,
): void {
  const slots: number[] = [];
  const theirs: number[] = [];
  for (let place = start; place < end; place++) {
    const slot = uids[place]! & (uidBlockSlots - 1);
    if ((block.covered[slot >> 3]! & (1 << (slot & 7))) !== 0) continue;
    slots.push(slot);
    theirs.push(documents[place]!);
  }
  if (slots.length > 0) facts.cover(block, slots, theirs);
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
