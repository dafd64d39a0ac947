/**
 * What the main thread, engine threads and operators tell each other of the sources mail leaves by.
 *
 * Runs in: both sides; plain data only.
 */

import type { TenantId } from '../../base/ids.ts';

export const sourceAsks = {
  /** To each engine thread. meta: `SourcesSnapshot`. */
  set: 'sources.set',
  /** To the main thread. meta: `AllowanceMeta`; answer: `AllowanceValue`. */
  allowance: 'sources.allowance',
} as const;

/** Notice: a rule suspended a source towards a site. Value: `PathSuspension`. */
export const pathSuspendedNotice = 'sources.path-suspended';

/** source, site, until when (epoch milliseconds). */
export type PathSuspension = readonly [source: string, site: string, untilMs: number];

/** Notice: a source failed by itself, or works again. Value: `SourceDown`. */
export const sourceDownNotice = 'sources.down';

/** source, left alone by that thread until then (epoch milliseconds; 0: it works), why. */
export type SourceDown = readonly [source: string, untilMs: number, reason: string];

export interface SourcesSnapshot {
  /** By operators. */
  readonly suspended: readonly string[];
  readonly paths: readonly PathSuspension[];
  /** First days of those that warm up, in days since 1970 (UTC). */
  readonly warmingFrom: Readonly<Record<string, number>>;
  /** Numbers of the tenants that settings name. */
  readonly tenants: Readonly<Record<string, TenantId>>;
}

/** `back`: messages of an earlier answer, of that day, that were not sent; `wants`: whether more are wanted. */
export type AllowanceMeta = readonly [
  source: string,
  provider: string,
  day: number,
  back: number,
  wants: boolean,
];

/** How many messages may be sent of this day's plan, besides those of earlier answers. */
export type AllowanceValue = readonly [count: number, day: number];

/** A source mail leaves by, and how it stands. */
export interface SourceView {
  readonly name: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly helloName: string;
  /** As settings have it. */
  readonly proxy?: string;
  readonly pools: readonly string[];
  /** `down`: it failed by itself, and is tried again after `downUntilMs`. */
  readonly state: 'active' | 'suspended' | 'down';
  readonly downUntilMs?: number;
  readonly downReason?: string;
  /** Absent: it has no plan, or is past it. */
  readonly warmup?: { readonly day: number; readonly days: number };
  /** Of today's plan, by provider, most first: what was given out to be sent. */
  readonly today: readonly {
    readonly provider: string;
    readonly count: number;
    readonly plan: number;
  }[];
  /** Sites that rules keep it from. */
  readonly suspensions: readonly { readonly site: string; readonly untilMs: number }[];
}
