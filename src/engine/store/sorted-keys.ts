/**
 * Names that come in any order, between times when all of them are wanted in theirs.
 *
 * Runs in:   the engine thread that owns the shard; hot: a few come, then a range is read.
 */

export class SortedKeys {
  #keys: string[] = [];
  #added: string[] = [];

  /** One that is not there yet. */
  add(key: string): void {
    this.#added.push(key);
  }

  all(): readonly string[] {
    if (this.#added.length === 0) return this.#keys;
    const added = this.#added.sort(compareKeys);
    this.#added = [];
    const last = this.#keys.at(-1);
    // Rows of changes are numbered: they come in order.
    if (last !== undefined && added[0]! < last) this.#keys = merged(this.#keys, added);
    else for (const key of added) this.#keys.push(key);
    return this.#keys;
  }
}

function merged(these: readonly string[], those: readonly string[]): string[] {
  const all: string[] = [];
  let next = 0;
  for (const key of these) {
    while (next < those.length && those[next]! < key) all.push(those[next++]!);
    all.push(key);
  }
  while (next < those.length) all.push(those[next++]!);
  return all;
}

/** By code unit. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
