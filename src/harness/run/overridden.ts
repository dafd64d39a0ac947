/**
 * A scenario with what may differ from run to run: where it is played, how much of it, from which seed. What its load
 * is like stays as written.
 *
 * Runs in: load generator; pure.
 */

import type { HostPort } from '../addresses.ts';
import type { GroupPlan, RunPlan } from './run-plan.ts';

/** What is absent stays as the scenario has it; what is of groups is of each. */
export interface Overrides {
  readonly target?: HostPort;
  readonly countMax?: number;
  readonly durationMs?: number;
  readonly seed?: number;
  readonly ledger?: string;
  readonly recountMsMax?: number;
}

export function overridden(plan: RunPlan, overrides: Overrides): RunPlan {
  const { seed, ledger, recountMsMax, ...ofGroups } = overrides;
  return {
    ...plan,
    ...(seed === undefined ? {} : { seed }),
    ...(ledger === undefined ? {} : { ledger }),
    ...(recountMsMax === undefined ? {} : { recountMsMax }),
    groups: plan.groups.map((group): GroupPlan => ({ ...group, ...ofGroups })),
  };
}
