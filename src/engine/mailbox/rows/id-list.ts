/**
 * Ids as a record touches them, some of them again and again: in the end each is told once, in order.
 *
 * Runs in:   engine threads; pure; hot: one for each message a record touches.
 */

import { addId } from './uid-ranges.ts';

export class IdList {
  readonly #ids: number[] = [];
  #last = -1;
  #isAscending = true;

  add(id: number): void {
    if (id === this.#last) return;
    if (id < this.#last) this.#isAscending = false;
    this.#last = id;
    this.#ids.push(id);
  }

  /** As ranges, but for those in one of the sets. */
  rangesWithout(these: ReadonlySet<number>, those: ReadonlySet<number>): number[] {
    // Numbers in a typed array sort without a call for each two of them.
    const ids = this.#isAscending ? this.#ids : Uint32Array.from(this.#ids).sort();
    const isAny = these.size + those.size > 0;
    const ranges: number[] = [];
    let last = -1;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (id === last || (isAny && (these.has(id) || those.has(id)))) continue;
      last = id;
      addId(ranges, id);
    }
    return ranges;
  }
}
