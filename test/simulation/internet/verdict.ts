/**
 * What a simulated day had to show, each with its figure: nothing here is told by the day itself.
 *
 * Limits:    `memoryBytesMax` of the whole process, the day's own books included.
 */

import { gibibyte, mebibyte } from '../../../src/base/units.ts';
import { type DayOptions, type DayReport, simulateDay } from './internet.ts';

export interface Verdict {
  readonly promise: string;
  readonly figure: string;
  readonly isKept: boolean;
}

const memoryBytesMax = 4 * gibibyte;
/** A hot tenant may make another's first attempts later by this part. */
const slowerMax = 0.2;
/** The same day is begun again, and ended here. */
const markSecond = 1_800;

export function withMark(options: DayOptions): DayOptions {
  return { ...options, markSecond: Math.min(markSecond, (options.hours * 3_600) / 4) };
}

export function verdictsOfDay(day: DayReport, peakBytes: number): Verdict[] {
  const { counts, faults, fairness } = day;
  const { accepted, recipients, delivered, failed, expired, queued, duplicates } = counts;
  const ended = delivered + failed + expired;
  return [
    {
      promise: 'nothing is lost, doubled after its answer was heard, or over a limit',
      figure:
        `${accepted} messages, ${recipients} recipients: ${ended} ended, ${queued} queued; ` +
        `${duplicates} copies after a lost answer, at most ${day.connectionsMost} connections to a site, ` +
        `${faults.length} faults`,
      isKept: faults.length === 0 && ended + queued === recipients,
    },
    {
      promise: 'tenants share a site within 10 % in each minute in which both had a backlog',
      figure: `${fairness.windows} windows, ${fairness.unfair} unfair, mean spread ${percent(fairness.meanSpread)}`,
      isKept: fairness.unfair === 0,
    },
    {
      promise: 'memory stays within 4 GiB',
      figure: `${Math.round(peakBytes / mebibyte)} MiB at most`,
      isKept: peakBytes <= memoryBytesMax,
    },
  ];
}

/** Begins the day again. */
export async function verdictOfSeed(options: DayOptions, day: DayReport): Promise<Verdict> {
  const again = await simulateDay({ ...withMark(options), endsAtMark: true });
  const [first, second] = [day.markHash.slice(0, 16), again.markHash.slice(0, 16)];
  return {
    promise: 'the same seed gives the same event log',
    figure: `${first} after ${withMark(options).markSecond} s, and again ${second}`,
    isKept: day.markHash !== '' && day.markHash === again.markHash,
  };
}

/** Two calm half hours, with a tenant that floods the largest sites and without it. */
export async function verdictOfHotTenant(seed: number): Promise<Verdict> {
  const calm: DayOptions = {
    ...{ seed, hours: 0.5, tenants: 12, domains: 24, messages: 12_000, campaignShare: 0 },
    isCalm: true,
  };
  const quiet = await simulateDay(calm);
  const flooded = await simulateDay({ ...calm, hotMessages: 12_000 });
  const moves = [...quiet.firstAttemptMs].map(([tenant, ms]) => {
    return flooded.firstAttemptMs.get(tenant)! / ms - 1;
  });
  const most = Math.max(...moves);
  const { faults } = flooded;
  return {
    promise: 'a hot tenant makes no other’s p99 time to first attempt more than 20 % longer',
    figure: `${moves.length} tenants, ${percent(most)} at most; ${faults.length} faults`,
    isKept: moves.length > 0 && most <= slowerMax && faults.length + quiet.faults.length === 0,
  };
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
