/** Chance that repeats: the same seed gives the same run (mulberry32). */

import type { Random } from '../../src/ports/random.ts';
import type { Chance } from './simulated-disk.ts';

export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function seededRandom(chance: Chance): Random {
  return {
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(chance() * 256)),
    fraction: chance,
  };
}
