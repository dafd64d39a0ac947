/**
 * A server on a folder full of deferred mail, whose provider is back.
 *
 * Runs in:   bench.
 * Limits:    a drain that stands still for `stallMsMax` fails.
 * Invariant: the rate is taken between the first and the last twentieth: neither the opening of the shards nor the
 *            last few that retry are in it.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { treeCpuSeconds } from '../../src/harness/observe.ts';
import { startChaski } from '../servers/chaski.ts';
import { SmtpSink } from '../servers/smtp-sink.ts';
import { Admin, type AdminFigures, type Operation } from './admin.ts';
import { provider } from './mail.ts';
import { type MemoryFigures, MemoryWatch } from './memory.ts';

const lookMs = 50;
const sayMs = 10_000;
const stallMsMax = 60_000;
const measuredFrom = 0.05;
const measuredTo = 0.95;

export interface Drain extends MemoryFigures {
  /** From the start of the process until it greets: all rows were counted by then. */
  readonly openMs: number;
  readonly messages: number;
  readonly deliveredCount: number;
  readonly messagesPerSecond: number;
  readonly cpuSecondsPer1000: number;
  readonly admin: Readonly<Record<Operation, AdminFigures>>;
}

interface Mark {
  readonly atMs: number;
  readonly count: number;
  readonly cpuSeconds: number;
}

export interface DrainOptions {
  /** Holds `data`, filled. */
  readonly folder: string;
  readonly messages: number;
  /** Ends once so many were delivered. */
  readonly drainMax: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

export async function drain(options: DrainOptions): Promise<Drain> {
  const { folder, messages, drainMax, environment, say } = options;
  const sink = await SmtpSink.start();
  const beganMs = performance.now();
  const server = await startChaski(
    { folder, nextHopPort: sink.port },
    {
      name: 'chaski',
      environment: {
        CHASKI_RELAY__ROUTES: `${provider}=smtp://127.0.0.1:${sink.port}`,
        ...environment,
      },
    },
  );
  const openMs = performance.now() - beganMs;
  try {
    const memory = new MemoryWatch(server.pid);
    const admin = await Admin.open(join(folder, 'data'));
    const marks = await untilDrained(
      sink,
      () => Math.min(drainMax, messages - admin.heldCount),
      server.pid,
      say,
    );
    const figures = await admin.stop();
    const deliveredCount = marks.at(-1)!.count;
    return {
      ...{ openMs, messages, deliveredCount, ...rateOf(marks) },
      ...{ admin: figures, ...memory.stop() },
    };
  } finally {
    await server.stop();
    await sink.stop();
  }
}

/** When and at which count, from the first look on. */
async function untilDrained(
  sink: SmtpSink,
  expected: () => number,
  pid: number,
  say: (line: string) => void,
): Promise<readonly Mark[]> {
  const marks: Mark[] = [];
  let saidMs = performance.now();
  let movedMs = saidMs;
  for (;;) {
    const mark = { atMs: performance.now(), count: sink.count, cpuSeconds: treeCpuSeconds(pid) };
    if (mark.count !== marks.at(-1)?.count) {
      marks.push(mark);
      movedMs = mark.atMs;
    }
    if (mark.count >= expected()) return marks;
    if (mark.atMs - movedMs > stallMsMax) {
      throw new Error(`the drain stands still at ${mark.count} of ${expected()}`);
    }
    if (mark.atMs - saidMs > sayMs) {
      say(`drained ${mark.count} of ${expected()}`);
      saidMs = mark.atMs;
    }
    await sleep(lookMs);
  }
}

function rateOf(marks: readonly Mark[]): Pick<Drain, 'messagesPerSecond' | 'cpuSecondsPer1000'> {
  const last = marks.at(-1)!;
  const first = marks.find(({ count }) => count >= last.count * measuredFrom)!;
  const end = marks.find(({ count }) => count >= last.count * measuredTo)!;
  const count = end.count - first.count;
  return {
    messagesPerSecond: (count / (end.atMs - first.atMs)) * 1_000,
    cpuSecondsPer1000: ((end.cpuSeconds - first.cpuSeconds) / count) * 1_000,
  };
}
