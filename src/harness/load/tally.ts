/**
 * Counts what happened to the messages of a run and how long each step took.
 *
 * Runs in:   load generator.
 * Limits:    `repliesCountMax` different refusals and closings are told apart; the rest count as
 *            "other".
 */

import { Latency, type LatencySummary } from '../latency.ts';
import { type Outcome, type Phase, phases } from './load-session.ts';
import { Series, type SeriesSecond } from './series.ts';

const repliesCountMax = 50;

export interface LoadReport {
  readonly seconds: number;
  /** Messages with at least one recipient acknowledged. */
  readonly messages: number;
  readonly messagesPerSecond: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  /** Copies whose message never went out whole. */
  readonly unsent: number;
  /** Messages that were due and never found a session. */
  readonly unstarted: number;
  readonly connections: number;
  /** Longest time between two acknowledgements. */
  readonly gapMsMax: number;
  /** From the intended start to the acknowledgement. */
  readonly latency: LatencySummary;
  readonly phases: Readonly<Record<Phase, LatencySummary>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly closings: Readonly<Record<string, number>>;
  /** Where it was asked for: second by second, the first beginning at `beganMs` of the wall clock. */
  readonly series?: { readonly beganMs: number; readonly seconds: readonly SeriesSecond[] };
}

export interface TallyOptions {
  readonly series?: boolean;
}

export class Tally {
  messages = 0;
  acknowledged = 0;
  refused = 0;
  unknown = 0;
  unsent = 0;
  connections = 0;
  gapMsMax = 0;
  readonly latency = new Latency();
  readonly #series: Series | undefined;
  #beganMs = 0;
  #beganAtMs = 0;
  #acknowledgedMs: number | undefined;
  readonly #phases = new Map<Phase, Latency>(phases.map((phase) => [phase, new Latency()]));
  readonly #refusals = new Map<string, number>();
  readonly #closings = new Map<string, number>();

  constructor(options: TallyOptions = {}) {
    this.#series = options.series === true ? new Series() : undefined;
  }

  /** The run begins, at `beganMs` of its clock and `beganAtMs` of the wall. */
  begin(beganMs: number, beganAtMs: number): void {
    this.#beganMs = beganMs;
    this.#beganAtMs = beganAtMs;
  }

  addOutcome(outcome: Outcome): void {
    const { endMs } = outcome;
    const beganMs = this.#beganMs;
    this.acknowledged += outcome.acknowledged.length;
    this.unknown += outcome.unknown.length;
    this.unsent += outcome.unsent.length;
    for (const { to, reply } of outcome.refused) {
      this.refused += to.length;
      countOne(this.#refusals, reply.slice(0, 60), to.length);
      this.#series?.refused(endMs - beganMs, to.length);
    }
    if (outcome.acknowledged.length === 0) return;
    this.messages++;
    this.latency.record(endMs - outcome.message.intendedMs);
    this.gapMsMax = Math.max(this.gapMsMax, endMs - (this.#acknowledgedMs ?? endMs));
    this.#acknowledgedMs = endMs;
    this.#series?.acknowledged(outcome.message.intendedMs - beganMs, endMs - beganMs);
  }

  addPhase(phase: Phase, ms: number): void {
    this.#phases.get(phase)!.record(ms);
  }

  addClosing(detail: string): void {
    countOne(this.#closings, detail.slice(0, 60), 1);
  }

  report(seconds: number, unstarted: number): LoadReport {
    const { messages, acknowledged, refused, unknown, unsent, connections, gapMsMax } = this;
    const summaries = Array.from(this.#phases, ([phase, latency]) => [phase, latency.summary()]);
    return {
      seconds,
      messages,
      messagesPerSecond: seconds > 0 ? Math.round((messages / seconds) * 10) / 10 : 0,
      acknowledged,
      refused,
      unknown,
      unsent,
      unstarted,
      connections,
      gapMsMax,
      latency: this.latency.summary(),
      phases: Object.fromEntries(summaries) as Record<Phase, LatencySummary>,
      refusals: Object.fromEntries(this.#refusals),
      closings: Object.fromEntries(this.#closings),
      ...(this.#series === undefined
        ? {}
        : { series: { beganMs: this.#beganAtMs, seconds: this.#series.seconds() } }),
    };
  }
}

function countOne(counts: Map<string, number>, what: string, by: number): void {
  const name = counts.has(what) || counts.size < repliesCountMax ? what : 'other';
  counts.set(name, (counts.get(name) ?? 0) + by);
}
