/**
 * `chaski load search`: the highest rate of a load at which its thresholds hold.
 *
 * Runs in: load generator. Exit code: 0 a rate was found, 1 not even the first held.
 */

import { totalsOf } from '../../harness/measure/totals.ts';
import type { LoadRun } from '../../harness/run/load-run.ts';
import type { RunPlan } from '../../harness/run/run-plan.ts';
import { atRate } from '../../harness/run/scaled.ts';
import {
  type Found,
  isGeneratorBusy,
  isRate,
  type Probe,
  searchRate,
} from '../../harness/run/search.ts';
import { numberOr } from './numbers.ts';
import { showProgress } from './show.ts';
import type { LoadValues } from './usage.ts';

const rateFirst = 100;
const rateMax = 1_000_000;
const probeSeconds = 10;
const probesMax = 40;
const tolerance = 0.05;

const ends: Readonly<Record<Found['end'], string>> = {
  found: '',
  'rate-max': 'it holds at --rate-max: the server may do more',
  generator: 'here the generator was the limit: try --threads, or more machines and "merge"',
  'probes-max': `ended after ${probesMax} probes`,
};

export async function search(
  plan: RunPlan,
  values: LoadValues,
  create: (plan: RunPlan) => LoadRun,
): Promise<number> {
  const seconds = numberOr('probe', values.probe, probeSeconds);
  const found = await searchRate({
    rateFirst: numberOr('rate-first', values['rate-first'], rateFirst),
    rateMax: numberOr('rate-max', values['rate-max'], rateMax),
    tolerance,
    probesMax,
    probe: (rate) => probe(atRate(plan, rate, seconds), rate, create),
    onProbe: ({ rate, faults }) => {
      const verdict = faults.length === 0 ? 'holds' : `fails: ${faults.join('; ')}`;
      process.stderr.write(`${Math.round(rate)}/s ${verdict}\n`);
    },
  });
  process.stdout.write(values.json === true ? `${JSON.stringify(found)}\n` : describe(found));
  return found.rate > 0 ? 0 : 1;
}

async function probe(
  plan: RunPlan,
  rate: number,
  create: (plan: RunPlan) => LoadRun,
): Promise<Probe> {
  const load = create(plan);
  const stopProgress = showProgress(load);
  const report = await load.run();
  stopProgress();
  const { ok, refused, unknown, unsent, unstarted } = totalsOf(report);
  const started = ok + refused + unknown + unsent;
  const faults = report.thresholds
    .filter(({ isMet }) => !isMet)
    .map(({ text, value }) => `${text} (it was ${Math.round(value * 100) / 100})`);
  // What was due and found no session waited for the server; what never became due the generator did not make.
  const isDue = isRate(started + unstarted, rate, plan.groups[0]!.durationMs / 1000);
  // What failed while the generator was at its own end says nothing of the server.
  const isMade = isDue && (faults.length === 0 || !isGeneratorBusy(report));
  return { rate, faults, isMade, report };
}

function describe({ rate, end, probes }: Found): string {
  const more = ends[end] === '' ? '' : ` (${ends[end]})`;
  if (rate === 0) {
    const least = Math.min(...probes.map((each) => each.rate));
    if (end === 'generator') return `nothing was found${more}\n`;
    return `not even ${Math.round(least * 100) / 100}/s holds${more}\n`;
  }
  const held = probes.findLast((each) => each.rate === rate)!;
  const { latency } = totalsOf(held.report!);
  return `${Math.round(rate)}/s holds${more}: p50 ${latency.p50Ms} ms, p99 ${latency.p99Ms} ms\n`;
}
