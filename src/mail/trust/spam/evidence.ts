/**
 * What each feature says alone: how often it was in spam and how often in ham (Robinson's naive Bayes). The order of
 * lessons does not matter, and none can spoil much.
 *
 * Runs in: engine threads and jobs; pure.
 */

/** A feature seen once says little yet: so many sightings that say nothing are added. */
const rareWeight = 0.1;
/** What is nearly as often in one as in the other says nothing. */
const neutralBand = 0.3;

export interface Sightings {
  /** Messages of each kind that had it, by place. */
  readonly inSpam: Float32Array;
  readonly inHam: Float32Array;
  readonly spamCount: number;
  readonly hamCount: number;
}

/** Log odds of one feature; 0: it says nothing. */
export function oddsAt({ inSpam, inHam, spamCount, hamCount }: Sightings, place: number): number {
  return oddsOf(inSpam[place]!, inHam[place]!, spamCount, hamCount);
}

/** Of one that was in so many of so many messages of each kind. */
export function oddsOf(inSpam: number, inHam: number, spamCount: number, hamCount: number): number {
  const seen = inSpam + inHam;
  if (seen === 0) return 0;
  const ofSpam = inSpam / Math.max(1, spamCount);
  const ofHam = inHam / Math.max(1, hamCount);
  const share = (rareWeight * 0.5 + (seen * ofSpam) / (ofSpam + ofHam)) / (rareWeight + seen);
  return Math.abs(share - 0.5) < neutralBand ? 0 : Math.log(share / (1 - share));
}

/** By what each feature's log odds are multiplied, so that long mail is not surer than short: of those that speak. */
export function loudness(odds: Float64Array): number {
  let speaking = 0;
  for (const one of odds) if (one !== 0) speaking++;
  return 1 / Math.sqrt(Math.max(1, speaking));
}
