/**
 * Which of two clients plays an HTTP load: autocannon where what it does is what was asked for, else undici on the
 * shared scheduler.
 *
 * Runs in:   load generator; pure.
 * Limits:    autocannon writes each request anew for each connection: `writesMax` of them.
 */

import { mixTurn } from '../../corpus/mix.ts';
import type { ArrivalPlan } from '../../schedule/arrivals.ts';
import type { HttpPlan } from './http-plan.ts';

export const httpClients = ['autocannon', 'undici'] as const;
export type HttpClientName = (typeof httpClients)[number];

const writesMax = 100_000;

/** What of a group's load the choice depends on. */
export interface HttpLoad {
  readonly arrivals?: ArrivalPlan;
  readonly sessionsMax: number;
  readonly perConnection: number;
  readonly options: HttpPlan;
}

export function clientOf(load: HttpLoad): HttpClientName {
  if (load.options.client === 'undici') return 'undici';
  return whyNotAutocannon(load) === undefined ? 'autocannon' : 'undici';
}

/** A sentence's end, or nothing. */
export function whyNotAutocannon(load: HttpLoad): string | undefined {
  const { arrivals, sessionsMax, perConnection, options } = load;
  if (arrivals !== undefined && constantRate(arrivals) === undefined) {
    return 'it plays a closed loop, or one constant rate that is a whole number';
  }
  if (Number.isFinite(perConnection)) return 'it forgets the last answer before it reconnects';
  if (options.isVerified) return 'it looks at no certificate';
  const turn = mixTurn(options.requests).length;
  if (turn * Math.min(sessionsMax, constantRate(arrivals) ?? Infinity) > writesMax) {
    return 'it would write so many requests for so many connections ahead';
  }
  return undefined;
}

/** Of a schedule that autocannon can play. */
export function constantRate(arrivals: ArrivalPlan | undefined): number | undefined {
  if (arrivals?.kind !== 'constant' || arrivals.stages.length !== 1) return undefined;
  const [{ seconds, fromPerSecond, toPerSecond }] = arrivals.stages as [
    (typeof arrivals.stages)[number],
  ];
  const isSteady = seconds === Infinity && fromPerSecond === toPerSecond;
  return isSteady && Number.isInteger(toPerSecond) ? toPerSecond : undefined;
}
