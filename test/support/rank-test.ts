/**
 * Whether one of two samples tends to be larger: the rank-sum test of Mann and Whitney, as a normal deviate.
 *
 * Runs in: tests; pure.
 */

/** How many standard deviations the ranks of `a` are above what chance gives; samples of twenty and more. */
export function rankDeviate(a: readonly number[], b: readonly number[]): number {
  const all = [
    ...a.map((value) => ({ value, isA: true })),
    ...b.map((value) => ({ value, isA: false })),
  ];
  all.sort((one, other) => one.value - other.value);
  let ranks = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]!.value === all[from]!.value) to++;
    // Equal ones share their ranks.
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) if (all[i]!.isA) ranks += rank;
    from = to;
  }
  const [m, n] = [a.length, b.length];
  const mean = (m * (m + n + 1)) / 2;
  return (ranks - mean) / Math.sqrt((m * n * (m + n + 1)) / 12);
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >>> 1]!;
}
