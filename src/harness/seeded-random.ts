/**
 * Repeatable randomness for loads and fault models: the same seed plays the same run.
 *
 * Runs in:   harness processes and their tests. Never for secrets.
 */

import { hash } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** xorshift32 over a seed spread by a multiplication, so that seeds 1 and 2 do not start alike. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995;
    if (this.#state === 0) this.#state = 1;
    for (let i = 0; i < 8; i++) this.#next();
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#next() >>> 24;
    return bytes;
  }

  fraction(): number {
    return this.#next() / 0x1_0000_0000;
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }
}

/** A seed for one of many uses of a run's seed: neighbours have nothing in common. */
export function seedOf(...parts: readonly (number | string)[]): number {
  return hash('sha256', parts.join(' '), 'buffer').readInt32LE(0);
}
