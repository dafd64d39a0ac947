/**
 * Messages of a mailbox with what threads are made of, by columns.
 *
 * Runs in:   engine threads; pure.
 * Limits:    about 60 bytes a message with four ids; ids and subjects are kept as hashes of 53 bits.
 */

import type { ThreadMessages } from './thread-messages.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

export interface ThreadMessage {
  readonly uid: number;
  readonly sentMs: number;
  /** The base subject's hash; 0: it is empty. */
  readonly subject: number;
  readonly isReplyOrForward: boolean;
  /** Its own hash, 0 where it has no id, and those it refers to (`threadHashes`). */
  readonly ids: readonly number[];
}

export class ThreadColumns {
  readonly #uids = new Column(Uint32Array);
  readonly #sentMs = new Column(Float64Array);
  readonly #subjects = new Column(Uint32Array);
  readonly #isReply = new Column(Uint8Array);
  readonly #ids = new Column(Uint32Array);
  readonly #referencesAt = new Column(Uint32Array);
  readonly #references = new Column(Uint32Array);
  readonly #idNumbers = new Numbers();
  readonly #subjectNumbers = new Numbers();

  get count(): number {
    return this.#uids.length;
  }

  get bytes(): number {
    const columns = [this.#uids, this.#sentMs, this.#subjects, this.#isReply, this.#ids];
    const lists = [this.#referencesAt, this.#references];
    const tables = this.#idNumbers.bytes + this.#subjectNumbers.bytes;
    return [...columns, ...lists].reduce((sum, { bytes }) => sum + bytes, tables);
  }

  /** UIDs ascend. */
  add(message: ThreadMessage): void {
    const { uid, sentMs, subject, isReplyOrForward, ids } = message;
    this.#uids.push(uid);
    this.#sentMs.push(sentMs);
    this.#subjects.push(subject === 0 ? 0 : this.#subjectNumbers.of(subject));
    this.#isReply.push(isReplyOrForward ? 1 : 0);
    this.#ids.push(ids[0] === 0 ? 0 : this.#idNumbers.of(ids[0]!));
    this.#referencesAt.push(this.#references.length);
    for (let i = 1; i < ids.length; i++) this.#references.push(this.#idNumbers.of(ids[i]!));
  }

  /** Makes ready for some more messages: what helps to find their ids and subjects. */
  *ready(): Generator<void, void, void> {
    yield* this.#idNumbers.ready();
    yield* this.#subjectNumbers.ready();
  }

  /** Nothing is added for now: forgets what only helps to add. */
  trim(): void {
    this.#idNumbers.trim();
    this.#subjectNumbers.trim();
  }

  *select(
    isWanted: (uid: number) => boolean,
  ): Generator<void, { uids: Uint32Array; messages: ThreadMessages }, void> {
    const places = new Uint32Array(this.count);
    let count = 0;
    let referenceCount = 0;
    for (let at = 0; at < this.count; at++) {
      if (at % stepsMax === 0) yield;
      if (!isWanted(this.#uids.at(at))) continue;
      places[count++] = at;
      referenceCount += this.#endOf(at) - this.#referencesAt.at(at);
    }
    if (count === this.count) return this.#all();
    const uids = new Uint32Array(count);
    const sentMs = new Float64Array(count);
    const subjects = new Uint32Array(count);
    const isReply = new Uint8Array(count);
    const ids = new Uint32Array(count);
    const referencesAt = new Uint32Array(count);
    const references = new Uint32Array(referenceCount);
    let next = 0;
    for (let i = 0; i < count; i++) {
      if (i % stepsMax === 0) yield;
      const at = places[i]!;
      uids[i] = this.#uids.at(at);
      sentMs[i] = this.#sentMs.at(at);
      subjects[i] = this.#subjects.at(at);
      isReply[i] = this.#isReply.at(at);
      ids[i] = this.#ids.at(at);
      referencesAt[i] = next;
      const end = this.#endOf(at);
      for (let from = this.#referencesAt.at(at); from < end; from++) {
        references[next++] = this.#references.at(from);
      }
    }
    const idCount = this.#idNumbers.count + 1;
    const subjectCount = this.#subjectNumbers.count + 1;
    const lists = { ids, referencesAt, references, idCount, subjectCount };
    return { uids, messages: { count, sentMs, subjects, isReply, ...lists } };
  }

  /** As they stand: what is added later comes behind. */
  #all(): { uids: Uint32Array; messages: ThreadMessages } {
    const idCount = this.#idNumbers.count + 1;
    const subjectCount = this.#subjectNumbers.count + 1;
    const messages = {
      count: this.count,
      sentMs: this.#sentMs.all(),
      subjects: this.#subjects.all(),
      isReply: this.#isReply.all(),
      ids: this.#ids.all(),
      referencesAt: this.#referencesAt.all(),
      references: this.#references.all(),
    };
    return { uids: this.#uids.all(), messages: { ...messages, idCount, subjectCount } };
  }

  #endOf(at: number): number {
    return at + 1 < this.count ? this.#referencesAt.at(at + 1) : this.#references.length;
  }
}

type Numeric = Uint8Array | Uint32Array | Float64Array;

class Column<Values extends Numeric> {
  readonly #make: new (
    length: number,
  ) => Values;
  #values: Values;
  #length = 0;

  constructor(make: new (length: number) => Values) {
    this.#make = make;
    this.#values = new make(64);
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  /** A view of what there is. */
  all(): Values {
    return this.#values.subarray(0, this.#length) as Values;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new this.#make(Math.ceil(1.5 * this.#length));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }
}

const slotsFew = 16_384;
const noSlots = new Uint32Array(0);

/** Hashes as numbers from 1 on, in the order they came. */
class Numbers {
  readonly #hashes = new Column(Float64Array);
  /** Numbers by the place their hash leads to, or the next free one; 0: free. At most half of them are taken. */
  #slots = noSlots;

  get count(): number {
    return this.#hashes.length;
  }

  get bytes(): number {
    return this.#hashes.bytes + this.#slots.byteLength;
  }

  of(hash: number): number {
    if (2 * this.count >= this.#slots.length) {
      const steps = this.ready();
      while (steps.next().done !== true);
    }
    const slot = this.#slotOf(hash);
    const known = this.#slots[slot]!;
    if (known !== 0) return known;
    this.#hashes.push(hash);
    this.#slots[slot] = this.count;
    return this.count;
  }

  /** Room for half as many again, and a few. */
  *ready(): Generator<void, void, void> {
    const wanted = slotsFew + 3 * this.count;
    if (this.#slots.length > 2 * this.count + slotsFew / 2) return;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(wanted)));
    for (let i = 0; i < this.count; i++) {
      this.#slots[this.#slotOf(this.#hashes.at(i))] = i + 1;
      if (i % stepsMax === 0) yield;
    }
  }

  trim(): void {
    this.#slots = noSlots;
  }

  #slotOf(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = (hash >>> 0) & mask;
    for (;;) {
      const number = this.#slots[slot]!;
      if (number === 0 || this.#hashes.at(number - 1) === hash) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
