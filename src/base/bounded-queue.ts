/**
 * A first-in, first-out queue that refuses what goes past its bound.
 *
 * Runs in:   every thread.
 * Limits:    `countMax`, given at construction; `push` answers false there and changes nothing.
 */

import { assert } from './assert.ts';

export class BoundedQueue<T> {
  readonly countMax: number;
  #items: (T | undefined)[];
  #head = 0;
  #count = 0;

  constructor(countMax: number) {
    assert(
      Number.isInteger(countMax) && countMax > 0,
      `bound of a queue must be positive: ${countMax}`,
    );
    this.countMax = countMax;
    this.#items = new Array(Math.min(16, countMax));
  }

  get count(): number {
    return this.#count;
  }

  /** False when the queue is full; the item was not taken. */
  push(item: T): boolean {
    if (this.#count === this.countMax) return false;
    if (this.#count === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#count) % this.#items.length] = item;
    this.#count++;
    return true;
  }

  peek(): T | undefined {
    return this.#count === 0 ? undefined : this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#count === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#count--;
    return item;
  }

  clear(): void {
    this.#items = new Array(Math.min(16, this.countMax));
    this.#head = 0;
    this.#count = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#count; i++) {
      yield this.#items[(this.#head + i) % this.#items.length] as T;
    }
  }

  #grow(): void {
    const grown: (T | undefined)[] = new Array(Math.min(this.countMax, this.#items.length * 2));
    for (let i = 0; i < this.#count; i++) {
      grown[i] = this.#items[(this.#head + i) % this.#items.length];
    }
    this.#items = grown;
    this.#head = 0;
  }
}
