/**
 * Hands in the messages of one request, and says which of them were not taken.
 *
 * Runs in:   edge (main thread).
 * Limits:    `copiesAtOnce` messages of a request are under way.
 */

import { ApiFault } from './fault.ts';

const copiesAtOnce = 8;

/** What became of each message, in order; null: see `failures`. */
export interface EachTaken<T> {
  readonly each: readonly (T | null)[];
  readonly failures?: readonly {
    readonly index: number;
    readonly code: string;
    readonly message: string;
  }[];
}

/** A few at a time, so that they share group commits. Once one finds no room, those that follow are not tried. */
export async function takeEach<T>(
  count: number,
  take: (index: number) => Promise<T>,
): Promise<EachTaken<T>> {
  const each: (T | null)[] = new Array(count).fill(null);
  const faults: [number, ApiFault][] = [];
  let next = 0;
  let stopped: ApiFault | undefined;
  const run = async () => {
    for (let index = next++; index < count; index = next++) {
      try {
        if (stopped !== undefined) throw stopped;
        each[index] = await take(index);
      } catch (error) {
        if (!(error instanceof ApiFault)) throw error;
        if (error.status === 503) stopped = error;
        faults.push([index, error]);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(copiesAtOnce, count) }, run));
  if (faults.length === 0) return { each };
  faults.sort(([a], [b]) => a - b);
  if (faults.length === count) throw faults[0]![1];
  return {
    each,
    failures: faults.map(([index, { code, message }]) => ({ index, code, message })),
  };
}
