/**
 * What was worked out from rows and is kept for the next time: views, orders, what threads are made of,
 * texts that were searched, names.
 *
 * Runs in:   engine threads.
 * Limits:    `memory.derivedBytesMax` for all shards of a thread together: what was not used longest goes first, whichever
 *            shard it is of. What is larger than that by itself is not kept. What is being worked out is not counted.
 * Invariant: all of it can be worked out anew: losing it costs time, nothing else.
 */

import { mebibyte } from '../../base/units.ts';

/** Of the objects and the key around what is kept. */
const entryBytes = 512;
/** Where nobody says how much. */
const bytesFew = 16 * mebibyte;

interface Kept {
  readonly bytes: number;
  /** Whoever keeps it lets go of it. */
  forget(): void;
}

export class DerivedMemory {
  readonly bytesMax: number;
  /** What was used last stands last. */
  readonly #kept = new Set<Kept>();
  #bytes = 0;

  constructor(bytesMax: number = bytesFew) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  used(one: Kept): void {
    this.#kept.delete(one);
    this.#kept.add(one);
  }

  /** Others go where there is no room. False: it has none even by itself. */
  add(one: Kept): boolean {
    if (one.bytes > this.bytesMax) return false;
    this.#kept.add(one);
    this.#bytes += one.bytes;
    for (const oldest of this.#kept) {
      if (this.#bytes <= this.bytesMax) break;
      this.remove(oldest);
      oldest.forget();
    }
    return true;
  }

  remove(one: Kept): void {
    if (this.#kept.delete(one)) this.#bytes -= one.bytes;
  }
}

interface Entry<Value> extends Kept {
  readonly value: Value;
}

/** What one shard keeps of one kind, by name. */
export class DerivedMap<Value> {
  readonly #memory: DerivedMemory;
  readonly #entries = new Map<string, Entry<Value>>();
  #isClosed = false;

  constructor(memory: DerivedMemory) {
    this.#memory = memory;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** It was used now. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#memory.used(entry);
    return entry.value;
  }

  /** In place of what was there. `bytes` are those of the value. */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    if (this.#isClosed) return;
    const forget = () => {
      this.#entries.delete(key);
    };
    const entry = { value, bytes: bytes + entryBytes, forget };
    if (this.#memory.add(entry)) this.#entries.set(key, entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#memory.remove(entry);
  }

  /** All whose names begin so. */
  deleteAll(prefix: string): void {
    for (const key of [...this.#entries.keys()]) if (key.startsWith(prefix)) this.delete(key);
  }

  /** The shard goes: nothing is kept any more, whatever still runs. */
  close(): void {
    this.#isClosed = true;
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }
}
