/**
 * A scenario played at another rate: all of its groups in the proportion they had.
 *
 * Runs in: load generator; pure.
 */

import { steadyPlan } from '../schedule/arrivals.ts';
import type { GroupPlan, RunPlan } from './run-plan.ts';
import { parseThreshold } from './thresholds.ts';

/** What a rate must never cost, whatever else is asked for. */
const lossThresholds = ['refused = 0', 'unknown = 0', 'unsent = 0', 'unstarted = 0'];

const p99Default = 'p99 < 50ms';
/** Where a closed loop bounds its sessions, an open one needs room to queue. */
const sessionsLeast = 1_000;

/** `perSecond` of all groups together, for `seconds`. */
export function atRate(plan: RunPlan, perSecond: number, seconds: number): RunPlan {
  const weights = plan.groups.map(weightOf);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const groups = plan.groups.map((group, i): GroupPlan => {
    const kind =
      group.arrivals === undefined || group.arrivals.kind === 'trace'
        ? 'poisson'
        : group.arrivals.kind;
    return {
      ...group,
      arrivals: steadyPlan(kind, (perSecond * weights[i]!) / whole),
      sessionsMax:
        group.arrivals === undefined
          ? Math.max(group.sessionsMax, sessionsLeast)
          : group.sessionsMax,
      durationMs: seconds * 1000,
      countMax: Number.POSITIVE_INFINITY,
    };
  });
  const asked = plan.thresholds.length > 0 ? plan.thresholds : [parseThreshold(p99Default)];
  return { ...plan, groups, thresholds: [...asked, ...lossThresholds.map(parseThreshold)] };
}

/** A group's mean rate in the scenario; a closed loop's, which has none, by its sessions. */
function weightOf({ arrivals, sessionsMax }: GroupPlan): number {
  if (arrivals === undefined || arrivals.kind === 'trace') return sessionsMax;
  const { stages } = arrivals;
  if (stages.some(({ seconds }) => seconds === Number.POSITIVE_INFINITY)) {
    return stages.at(-1)!.toPerSecond;
  }
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const count = stages.reduce(
    (sum, stage) => sum + (stage.seconds * (stage.fromPerSecond + stage.toPerSecond)) / 2,
    0,
  );
  return count / seconds;
}
