/**
 * A bounded map for caches: two generations, of which the older one is dropped when the younger one is full.
 *
 * Runs in:   every thread.
 * Limits:    at most `countMax` entries; an entry read since the last turn survives it.
 */

export class RecentMap<K, V> {
  readonly #halfMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(countMax: number) {
    this.#halfMax = Math.max(1, countMax >>> 1);
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#halfMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  values(): V[] {
    const olds = [...this.#old].filter(([key]) => !this.#young.has(key));
    return [...olds.map(([, value]) => value), ...this.#young.values()];
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }
}
