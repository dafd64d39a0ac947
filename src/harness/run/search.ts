/**
 * Finds the highest rate at which a server still does what is asked of it: rates are tried one after the other, first
 * each twice the last, then between the best that held and the least that did not.
 *
 * Runs in:   load generator; pure (a probe is an argument).
 * Limits:    `probesMax` probes.
 * Invariant: the rate that is told held in its last probe, and a rate failed only where it failed twice: one stall of a
 *            shared machine is no capacity. A rate the generator could not make is never held against the server.
 */

import type { RunReport } from '../measure/run-report.ts';

/** What one rate came to. */
export interface Probe {
  readonly rate: number;
  /** Why it does not hold; none: it does. */
  readonly faults: readonly string[];
  /** So many became due as the rate asks for; else the generator was the limit. */
  readonly isMade: boolean;
  readonly report?: RunReport;
}

export interface SearchOptions {
  readonly rateFirst: number;
  readonly rateMax: number;
  /** The best rate and the least that failed are this near to each other in the end; 0.05 is five per cent. */
  readonly tolerance: number;
  readonly probesMax: number;
  probe(rate: number): Promise<Probe>;
  /** Told each probe as it ends. */
  readonly onProbe?: (probe: Probe) => void;
}

export interface Found {
  /** 0: not even the first rate held. */
  readonly rate: number;
  /** What ended the search. */
  readonly end: 'found' | 'rate-max' | 'generator' | 'probes-max';
  readonly probes: readonly Probe[];
}

/** Below this part of what a rate asks for, and below chance, the generator did not make it. */
const madePart = 0.97;
const deviationsMax = 4;

/** Whether `count` operations in `seconds` may be a Poisson stream of that rate. */
export function isRate(count: number, perSecond: number, seconds: number): boolean {
  const expected = perSecond * seconds;
  return count >= expected * madePart - deviationsMax * Math.sqrt(expected);
}

/** Of a core, for each thread: above it the generator may have been what was slow. */
const busyPart = 0.9;

/** Whether a run's own threads had no time to spare: then its latencies are not the server's alone. */
export function isGeneratorBusy({ generator, seconds }: RunReport): boolean {
  return seconds > 0 && generator.cpuSeconds / (seconds * generator.threads) > busyPart;
}

export async function searchRate(options: SearchOptions): Promise<Found> {
  const probes: Probe[] = [];
  let best = 0;
  let worst = Number.POSITIVE_INFINITY;
  let end: Found['end'] = 'probes-max';
  let rate = Math.min(options.rateFirst, options.rateMax);
  const mayProbe = () => probes.length < options.probesMax;
  const probe = async () => {
    const one = await options.probe(rate);
    probes.push(one);
    options.onProbe?.(one);
    return one;
  };
  while (mayProbe()) {
    let tried = await probe();
    if (tried.isMade && tried.faults.length > 0 && mayProbe()) tried = await probe();
    if (!tried.isMade) {
      end = 'generator';
      break;
    }
    if (tried.faults.length === 0) best = rate;
    else worst = rate;
    if (best >= options.rateMax) {
      end = 'rate-max';
      break;
    }
    const isNear = worst <= best * (1 + options.tolerance);
    // Below the first rate halves are tried, down to a hundredth of it.
    if (isNear || (best === 0 && worst <= options.rateFirst / 100)) {
      end = 'found';
      break;
    }
    rate = nextRate(best, worst, options.rateMax);
  }
  return { rate: best, end, probes };
}

function nextRate(best: number, worst: number, rateMax: number): number {
  if (worst === Number.POSITIVE_INFINITY) return Math.min(rateMax, best * 2);
  if (best === 0) return worst / 2;
  // The geometric mean: the tolerance is a ratio too.
  return Math.sqrt(best * worst);
}
