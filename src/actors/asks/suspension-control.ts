/**
 * What operators may ask of hold rules.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { HoldRule } from '../../ports/hold-rule.ts';
import type { Method } from './control-method.ts';

type Nothing = Readonly<Record<string, never>>;

/** All that is given must hold; at least one thing is given. */
export interface SuspendParams {
  /** By name. */
  readonly tenant?: string;
  readonly campaign?: string;
  readonly sender?: string;
  readonly domain?: string;
  readonly recipient?: string;
  /** 0: until `queue.resume`. */
  readonly untilMs: number;
  readonly note: string;
}

export interface SuspensionMethods {
  /** Holds back what waits and what is still to come, until it ends. */
  'queue.suspend': Method<SuspendParams, { readonly rule: HoldRule }>;
  'queue.suspensions': Method<Nothing, { readonly rules: readonly HoldRule[] }>;
  'queue.resume': Method<{ readonly id: number }, Nothing>;
}
