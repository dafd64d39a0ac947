/**
 * Weighted choice without chance: what has three times the weight comes three times as often, evenly spread.
 *
 * Runs in:   load generator; pure.
 * Limits:    weights are brought to a turn of at most `turnLengthMax` choices.
 */

const turnLengthMax = 1_000;

export interface Weighted {
  readonly weight: number;
}

/**
 * One turn of choices, as indexes: repeated for ever it has the weights asked for (to a thousandth). Each step takes
 * the one that is most behind its share.
 */
export function mixTurn(items: readonly Weighted[]): Uint32Array {
  const sum = items.reduce((all, { weight }) => all + weight, 0);
  const smallest = Math.min(...items.map(({ weight }) => weight));
  const isWhole = items.every(({ weight }) => Number.isInteger(weight / smallest));
  const length = Math.min(turnLengthMax, isWhole ? Math.round(sum / smallest) : turnLengthMax);
  const credits = items.map(() => 0);
  return Uint32Array.from({ length }, () => {
    let best = 0;
    for (let i = 0; i < items.length; i++) {
      credits[i]! += items[i]!.weight;
      if (credits[i]! > credits[best]!) best = i;
    }
    credits[best]! -= sum;
    return best;
  });
}
