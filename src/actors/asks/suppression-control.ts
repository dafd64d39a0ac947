/**
 * What operators may ask of suppressed addresses.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { Method } from './control-method.ts';

export interface SuppressionInput {
  readonly address: string;
  /** Absent: all streams. */
  readonly stream?: string;
  readonly reason?: string;
  readonly sinceMs?: number;
  /** Absent or 0: for good. */
  readonly untilMs?: number;
  readonly note?: string;
}

export interface SuppressionView {
  readonly address: string;
  /** "" is all streams. */
  readonly stream: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** 0: for good. */
  readonly untilMs: number;
  readonly note: string;
}

export interface SuppressionMethods {
  /** Where a tenant has complaints sent, and where requests by mail go. */
  'feedback.addresses': Method<
    { readonly tenant: string },
    { readonly complaints: string; readonly unsubscribe: string }
  >;

  /** One commit; what is there already changes nothing. */
  'suppression.add': Method<
    { readonly tenant: string; readonly entries: readonly SuppressionInput[] },
    { readonly added: number; readonly unchanged: number; readonly invalid: readonly number[] }
  >;
  'suppression.list': Method<
    {
      readonly tenant: string;
      readonly address?: string;
      readonly stream?: string;
      readonly reason?: string;
      /** `next` of the page before. */
      readonly after?: string;
      readonly limit: number;
    },
    {
      readonly entries: readonly SuppressionView[];
      readonly next?: string;
      /** All addresses of the tenant. */
      readonly addressCount: number;
    }
  >;
  'suppression.remove': Method<
    {
      readonly tenant: string;
      readonly address: string;
      readonly stream?: string;
      readonly reason?: string;
    },
    { readonly count: number }
  >;
}
