/**
 * What a scenario does to the server while a run lasts, as plain data.
 *
 * Runs in: load generator; types. What a scenario is read by is loaded by every load, and loads nothing more.
 */

import type { HostPort } from '../addresses.ts';
import type { FillPlan } from './disk-fill.ts';
import type { DnsFault } from './dns-forwarder.ts';
import type { LinkFault } from './tcp-proxy.ts';

export const stepsCountMax = 100;
export const signals = ['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGCONT', 'SIGHUP', 'SIGUSR1'] as const;

/** The way from the load to the server, as a step names it. */
export const targetName = 'target';

export interface TroubleStep {
  readonly atMs: number;
  /** Absent: until the run ends. What happens at once (a kill, a cut) knows no end. */
  readonly forMs?: number;
  readonly what: TroubleKind;
}

export interface SignalPlan {
  readonly signal: (typeof signals)[number];
  /** As `processIds` reads it. SIGKILL, SIGSTOP and SIGCONT reach all that descends from them as well. */
  readonly processes: string;
}

export type TroubleKind =
  | ({ readonly kind: 'signal' } & SignalPlan)
  | ({ readonly kind: 'fill' } & FillPlan)
  /** Of a proxy: `targetName` is the load's own. */
  | { readonly kind: 'link'; readonly name: string; readonly fault: LinkFault }
  | { readonly kind: 'dns'; readonly name: string; readonly fault: DnsFault };

/** Stands between two others, who know it by `listen`. */
export interface BetweenPlan {
  readonly name: string;
  readonly listen: HostPort;
  readonly to: HostPort;
}

export interface TroublePlan {
  readonly steps: readonly TroubleStep[];
  readonly proxies: readonly BetweenPlan[];
  readonly resolvers: readonly BetweenPlan[];
}
