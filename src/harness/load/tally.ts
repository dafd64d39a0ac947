/**
 * Counts what happened to the messages of a run and how long each step took.
 *
 * Runs in:   load generator.
 * Limits:    `repliesCountMax` different refusals and closings are told apart; the rest count as
 *            "other".
 */

import { Latency, type LatencySummary } from '../latency.ts';
import { type Outcome, type Phase, phases } from './load-session.ts';

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
  /** From the intended start to the acknowledgement. */
  readonly latency: LatencySummary;
  readonly phases: Readonly<Record<Phase, LatencySummary>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly closings: Readonly<Record<string, number>>;
}

export class Tally {
  messages = 0;
  acknowledged = 0;
  refused = 0;
  unknown = 0;
  unsent = 0;
  connections = 0;
  readonly latency = new Latency();
  readonly #phases = new Map<Phase, Latency>(phases.map((phase) => [phase, new Latency()]));
  readonly #refusals = new Map<string, number>();
  readonly #closings = new Map<string, number>();

  addOutcome(outcome: Outcome): void {
    this.acknowledged += outcome.acknowledged.length;
    this.unknown += outcome.unknown.length;
    this.unsent += outcome.unsent.length;
    for (const { to, reply } of outcome.refused) {
      this.refused += to.length;
      countOne(this.#refusals, reply.slice(0, 60), to.length);
    }
    if (outcome.acknowledged.length === 0) return;
    this.messages++;
    this.latency.record(outcome.endMs - outcome.message.intendedMs);
  }

  addPhase(phase: Phase, ms: number): void {
    this.#phases.get(phase)!.record(ms);
  }

  addClosing(detail: string): void {
    countOne(this.#closings, detail.slice(0, 60), 1);
  }

  report(seconds: number, unstarted: number): LoadReport {
    const { messages, acknowledged, refused, unknown, unsent, connections } = this;
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
      latency: this.latency.summary(),
      phases: Object.fromEntries(summaries) as Record<Phase, LatencySummary>,
      refusals: Object.fromEntries(this.#refusals),
      closings: Object.fromEntries(this.#closings),
    };
  }
}

function countOne(counts: Map<string, number>, what: string, by: number): void {
  const name = counts.has(what) || counts.size < repliesCountMax ? what : 'other';
  counts.set(name, (counts.get(name) ?? 0) + by);
}
