/**
 * The spam score of a message: points of rules and of the classifier, with reasons.
 *
 * Runs in:   engine threads and jobs; pure. About a millisecond for a message of 5 kB.
 * Limits:    those of the reading; the field is at most `fieldHitsMax` names long.
 */

import { hostsToAsk } from './hosts.ts';
import { type Classification, classify, type Models } from './model.ts';
import { readForSpam } from './reading.ts';
import { applyRules, type Hit, type Surroundings } from './rules.ts';

/** What counts as spam where nothing else is set. */
export const spamPoints = 5;
/** The classifier speaks at most so loud, either way: six rules and a model that errs are still a sum. */
const modelPointsMax = 8;
const fieldHitsMax = 30;

export interface Judgement {
  /** Sum of all, to a hundredth. */
  readonly points: number;
  readonly isSpam: boolean;
  /** Rules that hold, in the order of the table. */
  readonly hits: readonly Hit[];
  readonly modelPoints: number;
  /** Left out where there is no model. */
  readonly classification?: Classification;
  /** Names a caller may ask lists of bad hosts for. */
  readonly hostsToAsk: readonly string[];
  /** Not all of the message was looked at. */
  readonly isCut: boolean;
}

/** Features are named where `isExplained`: that takes longer. */
export function judge(
  message: Uint8Array,
  models: Models = {},
  around: Surroundings = {},
  threshold = spamPoints,
  isExplained = true,
): Judgement {
  const reading = readForSpam(message);
  const hits = applyRules(reading, around);
  const hasModel = Object.values(models).some((model) => model !== undefined);
  const classification = hasModel ? classify(models, reading, isExplained) : undefined;
  const loud = classification?.points ?? 0;
  const modelPoints = rounded(Math.max(-modelPointsMax, Math.min(modelPointsMax, loud)));
  const points = rounded(hits.reduce((sum, hit) => sum + hit.points, modelPoints));
  return {
    points,
    isSpam: points >= threshold,
    hits,
    modelPoints,
    ...(classification === undefined ? {} : { classification }),
    hostsToAsk: hostsToAsk(reading.urls),
    isCut: reading.isCut,
  };
}

function rounded(points: number): number {
  return Math.round(points * 100) / 100;
}

/** The value of an X-Spam-Status field, folded; names and numbers of ours only, nothing of the message. */
export function spamStatus(
  { points, isSpam, hits, modelPoints, classification }: Judgement,
  threshold = spamPoints,
): string {
  const tests = hits.slice(0, fieldHitsMax).map((hit) => `${hit.rule}=${hit.points}`);
  if (classification !== undefined) tests.push(`LEARNT=${modelPoints}`);
  const verdict = `${isSpam ? 'Yes' : 'No'}, score=${points} required=${threshold}`;
  return tests.length === 0 ? verdict : `${verdict}\r\n\ttests=${tests.join(',\r\n\t')}`;
}

/** One line for the log. */
export function spamReasons({ hits, modelPoints, classification }: Judgement): string {
  const reasons = hits.map((hit) => `${hit.rule} ${hit.points}`);
  if (classification !== undefined) reasons.push(`learnt ${modelPoints}`);
  return reasons.join(', ');
}
