/**
 * Aim: a run starts what its plan says, charges a stalling server for the messages that had to
 *      wait, and comes through a server's death with every message accounted for.
 * Method: sessions of a model server on a clock turned by hand; percentiles against computed ones.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  LoadProtocol,
  LoadSession,
  SessionEvents,
} from '../../../../src/harness/load/protocol.ts';
import { Histogram } from '../../../../src/harness/measure/histogram.ts';
import { RunRecorder } from '../../../../src/harness/measure/recorder.ts';
import { Series } from '../../../../src/harness/measure/series.ts';
import {
  type ArrivalPlan,
  createArrivals,
  steadyPlan,
} from '../../../../src/harness/schedule/arrivals.ts';
import { type ScheduleOptions, Scheduler } from '../../../../src/harness/schedule/scheduler.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

/** Acknowledges after `serviceMs`, but not during the first `stallMs` of each second. */
class ModelServer implements LoadProtocol {
  readonly clock = new SeededClock();
  readonly recorder = new RunRecorder({ name: 'g', protocol: 'model', target: 't' }, new Series());
  readonly sessions = new Set<ModelSession>();
  serviceMs = 1;
  stallMs = 0;
  /** How long a session takes to end in order. */
  quitMs = 0;
  isUp = true;
  /** Connections past it are refused. */
  sessionsMax = Infinity;
  /** Ends a connection where others would answer. */
  isDeadly = false;

  options(fields: Partial<ScheduleOptions>): ScheduleOptions {
    const { clock, recorder } = this;
    return {
      ...{ protocol: this, clock, recorder, arrivals: undefined },
      ...{ sessionsMax: 1, durationMs: Infinity, countMax: Infinity, perConnection: Infinity },
      patienceMs: 10_000,
      ...fields,
    };
  }

  open(events: SessionEvents): LoadSession {
    return new ModelSession(this, events);
  }

  /** When a job that is at the server at `atMs` is answered. */
  answerMs(atMs: number): number {
    const inSecond = atMs % 1_000;
    return (inSecond < this.stallMs ? atMs - inSecond + this.stallMs : atMs) + this.serviceMs;
  }

  /** What the recorder has of the jobs. */
  get jobs() {
    const operation = this.recorder.report(0).operations.job;
    return { ok: operation?.ok ?? 0, unknown: operation?.unknown ?? 0 };
  }

  percentileMs(percentile: number): number {
    const { latency } = this.recorder.report(0).operations.job!;
    return Histogram.decode(latency.histogram).percentileMs(percentile);
  }

  get connections(): number {
    return this.recorder.report(0).connections;
  }
}

class ModelSession implements LoadSession {
  readonly #server: ModelServer;
  readonly #events: SessionEvents;
  /** Of the job under way. */
  #intendedMs: number | undefined;
  isIdle = false;

  constructor(server: ModelServer, events: SessionEvents) {
    this.#server = server;
    this.#events = events;
    server.sessions.add(this);
    server.clock.setTimer(0, () => {
      const isTaken = server.isUp && server.sessions.size <= server.sessionsMax;
      if (!isTaken) return this.#close('refused');
      this.isIdle = true;
      events.onIdle(this);
    });
  }

  start(intendedMs: number): void {
    const { clock } = this.#server;
    this.isIdle = false;
    this.#intendedMs = intendedMs;
    const startMs = clock.monotonicMs();
    clock.setTimer(this.#server.answerMs(startMs) - startMs, () => {
      if (this.#intendedMs !== intendedMs) return;
      if (this.#server.isDeadly) return this.destroy();
      this.isIdle = true;
      this.#tell('ok');
      if (this.isIdle) this.#events.onIdle(this);
    });
  }

  quit(): void {
    this.isIdle = false;
    this.#server.clock.setTimer(this.#server.quitMs, () => this.#close('done'));
  }

  destroy(): void {
    if (this.#intendedMs !== undefined) this.#tell('unknown');
    this.#close('reset');
  }

  #tell(outcome: 'ok' | 'unknown'): void {
    const intendedMs = this.#intendedMs!;
    this.#intendedMs = undefined;
    const endMs = this.#server.clock.monotonicMs();
    this.#server.recorder.finished('job', outcome, intendedMs, endMs);
    this.#events.onFinished(this, endMs);
  }

  #close(detail: string): void {
    if (!this.#server.sessions.delete(this)) return;
    this.isIdle = false;
    this.#events.onClose(this, detail);
  }
}

async function play(server: ModelServer, options: ScheduleOptions, ms: number): Promise<Scheduler> {
  const scheduler = new Scheduler(options);
  server.recorder.begin(server.clock.monotonicMs());
  const ended = scheduler.run();
  server.clock.advance(ms);
  await ended;
  return scheduler;
}

function constant(perSecond: number) {
  return createArrivals(steadyPlan('constant', perSecond), new SeededRandom(1));
}

function isNear(actual: number, expected: number, part: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * part, `${actual} is not near ${expected}`);
}

test('an open loop charges a stall to every message that came in it', async () => {
  const server = new ModelServer();
  server.stallMs = 200;
  const arrivals = constant(500);
  const durationMs = 20_000;
  await play(server, server.options({ arrivals, durationMs, sessionsMax: 500 }), 40_000);
  // A fifth of the messages waits, evenly from 200 ms down to nothing, and then the service time.
  const computed = (percentile: number) => 200 * (1 - (1 - percentile / 100) / 0.2) + 1;
  assert.equal(server.jobs.ok, 10_000);
  for (const percentile of [85, 90, 99]) {
    isNear(server.percentileMs(percentile), computed(percentile), 0.02);
  }
  isNear(server.percentileMs(50), 1, 0.02);
});

test('a closed loop hides the same stall', async () => {
  const server = new ModelServer();
  server.stallMs = 200;
  await play(server, server.options({ durationMs: 20_000 }), 40_000);
  assert.ok(server.jobs.ok > 15_000);
  isNear(server.percentileMs(99), 1, 0.02);
});

test('an open loop that finds no free session lets messages wait, and finishes them', async () => {
  const server = new ModelServer();
  server.serviceMs = 20;
  const arrivals = constant(100);
  const run = await play(server, server.options({ arrivals, durationMs: 1_000 }), 20_000);
  assert.equal(server.jobs.ok, 100);
  assert.equal(server.connections, 1);
  assert.equal(run.unstarted, 0);
  // 100 a second at 50 a second: the last has waited for the half of them.
  isNear(server.percentileMs(100), 1_010, 0.02);
});

test('messages that could not be started within the grace are counted', async () => {
  const server = new ModelServer();
  server.serviceMs = 1_000;
  const arrivals = constant(100);
  const run = await play(server, server.options({ arrivals, durationMs: 1_000 }), 60_000);
  assert.ok(run.unstarted >= 85 && run.unstarted < 90, `${run.unstarted}`);
  assert.equal(server.jobs.ok + run.unstarted, 100);
});

test('a count ends the run, on as many connections as its messages may share', async () => {
  const server = new ModelServer();
  const options = server.options({ countMax: 100, perConnection: 8, sessionsMax: 3 });
  await play(server, options, 10_000);
  assert.equal(server.jobs.ok, 100);
  assert.ok(server.connections >= 13 && server.connections <= 16);
  assert.equal(server.sessions.size, 0);
});

test('a server that dies leaves messages unknown, and the run goes on with it', async () => {
  const server = new ModelServer();
  const run = new Scheduler(server.options({ sessionsMax: 5, durationMs: 10_000 }));
  const ended = run.run();
  server.clock.advance(2_000.5);
  server.isUp = false;
  for (const session of [...server.sessions]) session.destroy();
  server.clock.advance(3_000);
  assert.equal(server.jobs.unknown, 5);
  const before = server.jobs.ok;
  server.isUp = true;
  server.clock.advance(20_000);
  await ended;
  isNear(server.jobs.ok - before, 5 * 5_000, 0.12);
  assert.equal(server.jobs.unknown, 5);
});

test('a server that stays away ends the run when patience is over', async () => {
  const server = new ModelServer();
  server.isUp = false;
  const options = server.options({ sessionsMax: 3, patienceMs: 5_000 });
  await play(server, options, 7_000);
  assert.equal(server.jobs.ok, 0);
  assert.ok(server.connections < 100, `${server.connections} tries`);
});

test('a trace and a last step that are over end the run before its time is', async () => {
  const plans: ArrivalPlan[] = [
    { kind: 'trace', atMs: [0, 100, 900] },
    { kind: 'constant', stages: [{ seconds: 1, fromPerSecond: 3, toPerSecond: 3 }] },
  ];
  for (const plan of plans) {
    const server = new ModelServer();
    const arrivals = createArrivals(plan, new SeededRandom(1));
    await play(server, server.options({ arrivals, sessionsMax: 5 }), 15_000);
    assert.equal(server.jobs.ok, 3);
  }
});

test('jobs that wait are kept up to a bound; those past it count as never begun', async () => {
  const server = new ModelServer();
  server.isUp = false;
  const dueCountMax = 1_000;
  const options = { arrivals: constant(1_000), durationMs: 3_000, patienceMs: 60_000, dueCountMax };
  const run = new Scheduler(server.options(options));
  const ended = run.run();
  server.clock.advance(2_500.5);
  assert.equal(run.unstarted, 2_501);
  server.isUp = true;
  server.clock.advance(20_000);
  await ended;
  // What came past the bound is gone; what waited within it was served when the server was back.
  assert.equal(server.jobs.ok + run.unstarted, 3_000);
  assert.ok(server.jobs.ok >= dueCountMax && server.jobs.ok < 2_000, `${server.jobs.ok}`);
});

test('a count ends the run also where more jobs came due than may wait', async () => {
  const server = new ModelServer();
  server.serviceMs = 50;
  const options = { arrivals: constant(1_000), countMax: 100, dueCountMax: 10 };
  const run = await play(server, server.options(options), 60_000);
  assert.ok(server.jobs.ok >= 10 && server.jobs.ok < 15, `${server.jobs.ok}`);
  assert.equal(server.jobs.ok + run.unstarted, 100);
  assert.equal(server.sessions.size, 0);
  assert.ok(run.stoppedMs < 1_000, `${run.stoppedMs}`);
});

/** Refused connections in ten seconds: 20 + 40 + … ms apart, then two a second. */
const triesMax = 30;

test('a server that refuses is tried by one connection at a time, ever more slowly', async () => {
  for (const arrivals of [undefined, constant(1_000)]) {
    const server = new ModelServer();
    server.isUp = false;
    const sessionsMax = 50;
    const patienceMs = 60_000;
    const run = new Scheduler(
      server.options({ arrivals, sessionsMax, patienceMs, durationMs: 15_000 }),
    );
    const ended = run.run();
    server.clock.advance(10_000);
    assert.ok(server.connections <= sessionsMax + triesMax, `${server.connections} connections`);
    server.isUp = true;
    server.clock.advance(1_000);
    assert.equal(server.sessions.size, sessionsMax, 'all come back with the first');
    server.clock.advance(30_000);
    await ended;
  }
});

test('a server that takes some connections and refuses the rest is not stormed for those', async () => {
  const server = new ModelServer();
  server.sessionsMax = 3;
  const options = server.options({ sessionsMax: 8, durationMs: 10_000, patienceMs: 2_000 });
  await play(server, options, 30_000);
  assert.ok(server.jobs.ok > 25_000, `${server.jobs.ok}: patience is with a server that serves`);
  assert.ok(server.connections <= 8 + triesMax, `${server.connections} connections`);
});

test('a server that takes connections and ends them at the first job is not stormed', async () => {
  const server = new ModelServer();
  server.isDeadly = true;
  await play(server, server.options({ sessionsMax: 5, durationMs: 10_000 }), 30_000);
  assert.equal(server.jobs.ok, 0);
  assert.ok(server.connections <= 5 * triesMax, `${server.connections} connections`);
});

test('a run knows when it asked for nothing more', async () => {
  const served = new ModelServer();
  served.quitMs = 5_000;
  const run = await play(served, served.options({ durationMs: 2_000 }), 30_000);
  assert.equal(run.stoppedMs, 2_000);
  const gone = new ModelServer();
  gone.isUp = false;
  const patient = await play(gone, gone.options({ patienceMs: 5_000 }), 30_000);
  isNear(patient.stoppedMs, 5_000, 0.1);
});

test('a job does not wait for a session that is leaving', async () => {
  const server = new ModelServer();
  server.quitMs = 500;
  const arrivals = constant(10);
  const options = { arrivals, durationMs: 5_000, perConnection: 1, sessionsMax: 100 };
  await play(server, server.options(options), 30_000);
  assert.equal(server.jobs.ok, 50);
  isNear(server.percentileMs(99), 1, 0.02);
});
