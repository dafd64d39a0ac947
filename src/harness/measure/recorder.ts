/**
 * What a group of sessions tells of its run: outcomes, latencies, phases, replies, connections.
 *
 * Runs in:   load generator, one recorder a group and thread.
 * Limits:    `namesCountMax` operations, phases an operation, replies and closings are told apart; the rest count as
 *            "other".
 * Invariant: latency counts from the intended start; an operation has exactly one outcome.
 */

import { Histogram } from './histogram.ts';
import type { LiveGroup } from './live-group.ts';
import {
  type GroupReport,
  type OperationReport,
  type OutcomeCounts,
  type OutcomeName,
  outcomes,
  type TimedReport,
} from './run-report.ts';
import type { Series } from './series.ts';

const namesCountMax = 50;
const nameCharsMax = 60;
const otherName = 'other';

/** What any protocol's client tells. All instants are of the run's clock, in milliseconds. */
export interface Recorder {
  /** One whole operation: 'message', 'select', 'GET /x'; `intendedMs` is when the schedule wanted it to start. */
  finished(operation: string, outcome: OutcomeName, intendedMs: number, endMs: number): void;
  /** Mail only: outcomes of the message's recipients. */
  copies(outcome: OutcomeName, count: number): void;
  /** One step of an operation; steps of opening a session belong to 'session'. */
  phase(operation: string, phase: string, ms: number): void;
  /** A reply other than the hoped-for, `count` times; kept by its first characters. */
  reply(operation: string, text: string, count?: number): void;
  bytes(sent: number, received: number): void;
  connection(): void;
  /** A session ended: "done", or what went wrong. */
  closing(detail: string): void;
}

/** The operation whose phases are those of opening a session. */
export const sessionOperation = 'session';

export type Counts = { -readonly [K in keyof OutcomeCounts]: OutcomeCounts[K] };

interface Operation extends Counts {
  readonly latency: Histogram;
  readonly phases: Map<string, Histogram>;
  readonly replies: Map<string, number>;
}

export interface GroupIdentity {
  readonly name: string;
  readonly protocol: string;
  /** What sent its operations, where there is a choice. */
  readonly client?: string;
  readonly target: string;
}

export class RunRecorder implements Recorder {
  readonly #group: GroupIdentity;
  readonly #series: Series;
  readonly #operations = new Map<string, Operation>();
  readonly #copies = noCounts();
  readonly #closings = new Map<string, number>();
  #lastName = '';
  #last: Operation | undefined;
  #connections = 0;
  #bytesSent = 0;
  #bytesReceived = 0;
  #gapMsMax = 0;
  #okMs = 0;
  #beganMs = 0;
  #endMs = 0;
  #trouble: string | undefined;

  constructor(group: GroupIdentity, series: Series) {
    this.#group = group;
    this.#series = series;
  }

  begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#endMs = nowMs;
    this.#okMs = nowMs;
  }

  finished(operation: string, outcome: OutcomeName, intendedMs: number, endMs: number): void {
    const of = this.#operation(operation);
    of[outcome]++;
    if (endMs > this.#endMs) this.#endMs = endMs;
    if (outcome !== 'ok') {
      this.#series.count(outcome, endMs - this.#beganMs);
      return;
    }
    of.latency.record(endMs - intendedMs);
    this.#series.ok(intendedMs - this.#beganMs, endMs - this.#beganMs);
    this.#gapMsMax = Math.max(this.#gapMsMax, endMs - this.#okMs);
    this.#okMs = endMs;
  }

  /** The load asked for nothing more from `nowMs` on: a server that never came back was away until then. */
  end(nowMs: number): void {
    this.#gapMsMax = Math.max(this.#gapMsMax, Math.max(nowMs, this.#endMs) - this.#okMs);
  }

  copies(outcome: OutcomeName, count: number): void {
    this.#copies[outcome] += count;
  }

  phase(operation: string, phase: string, ms: number): void {
    const { phases } = this.#operation(operation);
    let histogram = phases.get(phase);
    if (histogram === undefined) {
      const name = boundedName(phases, phase);
      histogram = phases.get(name) ?? new Histogram();
      phases.set(name, histogram);
    }
    histogram.record(ms);
  }

  reply(operation: string, text: string, count = 1): void {
    addTo(this.#operation(operation).replies, text, count);
  }

  bytes(sent: number, received: number): void {
    this.#bytesSent += sent;
    this.#bytesReceived += received;
    this.#series.bytes(sent, received);
  }

  connection(): void {
    this.#connections++;
  }

  closing(detail: string): void {
    if (detail !== 'done') this.#trouble = detail;
    addTo(this.#closings, detail, 1);
  }

  /** What last ended a session out of order. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Adds this group's outcomes so far. */
  addTo(counts: Counts): void {
    for (const operation of this.#operations.values()) {
      for (const name of outcomes) counts[name] += operation[name];
    }
  }

  live(): LiveGroup {
    const closings = [...this.#closings.values()].reduce((all, count) => all + count, 0);
    const operations = Array.from(this.#operations)
      .filter(([name]) => name !== sessionOperation)
      .map(([name, { ok, refused, unknown, unsent, latency }]) => {
        return [name, { ok, refused, unknown, unsent, histogram: latency.encode() }] as const;
      });
    return {
      name: this.#group.name,
      sessions: this.#connections - closings,
      connections: this.#connections,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      operations: Object.fromEntries(operations),
    };
  }

  report(unstarted: number): GroupReport {
    return {
      ...this.#group,
      operations: Object.fromEntries(
        Array.from(this.#operations, ([name, operation]) => [name, operationReport(operation)]),
      ),
      copies: this.#copies,
      closings: Object.fromEntries(this.#closings),
      connections: this.#connections,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      unstarted,
      gapMsMax: this.#gapMsMax,
      seconds: (this.#endMs - this.#beganMs) / 1000,
    };
  }

  #operation(name: string): Operation {
    // A client tells of one operation many times in a row.
    if (name === this.#lastName && this.#last !== undefined) return this.#last;
    const bounded = boundedName(this.#operations, name);
    let operation = this.#operations.get(bounded);
    if (operation === undefined) {
      operation = {
        ...noCounts(),
        latency: new Histogram(),
        phases: new Map(),
        replies: new Map(),
      };
      this.#operations.set(bounded, operation);
    }
    this.#lastName = name;
    this.#last = operation;
    return operation;
  }
}

function noCounts(): Counts {
  return { ok: 0, refused: 0, unknown: 0, unsent: 0 };
}

function operationReport(operation: Operation): OperationReport {
  const { ok, refused, unknown, unsent, latency, phases, replies } = operation;
  return {
    ...{ ok, refused, unknown, unsent },
    latency: timedReport(latency),
    phases: Object.fromEntries(Array.from(phases, ([name, each]) => [name, timedReport(each)])),
    replies: Object.fromEntries(replies),
  };
}

export function timedReport(histogram: Histogram): TimedReport {
  return { ...histogram.summary(), histogram: histogram.encode() };
}

/** Nothing a server says may move the cursor of a terminal. */
const control = /[\p{Cc}\p{Cf}]+/gu;

/** The name itself while there is room, else "other". */
function boundedName(known: ReadonlyMap<string, unknown>, name: string): string {
  if (known.has(name)) return name;
  const short = name.slice(0, nameCharsMax).replace(control, ' ');
  return known.has(short) || known.size < namesCountMax ? short : otherName;
}

function addTo(counts: Map<string, number>, what: string, by: number): void {
  const name = boundedName(counts, what);
  counts.set(name, (counts.get(name) ?? 0) + by);
}
