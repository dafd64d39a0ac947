/**
 * Medians and spreads of a few noisy rounds.
 *
 * Runs in: load generator, benches; pure.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    sorted.length % 2 === 1
      ? sorted[Math.floor(middle)]!
      : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]! };
}

/** Round by round: noise that both met cancels out. */
export function ratios(these: readonly number[], those: readonly number[]): readonly number[] {
  return these.map((value, round) => value / those[round]!);
}
