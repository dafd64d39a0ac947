/**
 * Aim: a run starts what its plan says, charges a stalling server for the messages that had to
 *      wait, and comes through a server's death with every message accounted for.
 * Method: sessions of a model server on a clock turned by hand; percentiles against computed ones.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from '../../../../src/harness/load/arrivals.ts';
import { LoadRun, type LoadRunOptions } from '../../../../src/harness/load/load-run.ts';
import type { LoadSession, SessionEvents } from '../../../../src/harness/load/load-session.ts';
import { type LoadMessage, MessageSource } from '../../../../src/harness/load/message-source.ts';
import { RecipientDealer } from '../../../../src/harness/load/recipients.ts';
import { Tally } from '../../../../src/harness/load/tally.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

/** Acknowledges after `serviceMs`, but not during the first `stallMs` of each second. */
class ModelServer {
  readonly clock = new SeededClock();
  readonly tally = new Tally();
  readonly sessions = new Set<ModelSession>();
  serviceMs = 1;
  stallMs = 0;
  isUp = true;

  options(fields: Partial<LoadRunOptions>): LoadRunOptions {
    const { clock, tally } = this;
    const random = new SeededRandom(1);
    return {
      ...{ clock, tally, ledger: undefined, epochMs: 0, arrivals: undefined },
      ...{ sessionsMax: 1, durationMs: Infinity, countMax: Infinity, perConnection: Infinity },
      patienceMs: 10_000,
      connect: (events) => new ModelSession(this, events),
      source: new MessageSource({
        ...{ messageBytes: 400, from: 'a@b', random, run: 'r', date: new Date(0) },
        recipients: new RecipientDealer(['c@d'], 1),
      }),
      ...fields,
    };
  }

  /** When a message that is at the server at `atMs` is answered. */
  answerMs(atMs: number): number {
    const inSecond = atMs % 1_000;
    return (inSecond < this.stallMs ? atMs - inSecond + this.stallMs : atMs) + this.serviceMs;
  }
}

class ModelSession implements LoadSession {
  readonly #server: ModelServer;
  readonly #events: SessionEvents;
  #message: LoadMessage | undefined;
  isIdle = false;

  constructor(server: ModelServer, events: SessionEvents) {
    this.#server = server;
    this.#events = events;
    server.sessions.add(this);
    server.clock.setTimer(0, () => {
      if (!server.isUp) return this.#close('refused');
      this.isIdle = true;
      events.onIdle(this);
    });
  }

  send(message: LoadMessage): void {
    const { clock } = this.#server;
    this.isIdle = false;
    this.#message = message;
    const startMs = clock.monotonicMs();
    clock.setTimer(this.#server.answerMs(startMs) - startMs, () => {
      if (this.#message !== message) return;
      this.isIdle = true;
      this.#tell(startMs, [...message.to], []);
      if (this.isIdle) this.#events.onIdle(this);
    });
  }

  quit(): void {
    this.isIdle = false;
    this.#server.clock.setTimer(0, () => this.#close('done'));
  }

  destroy(): void {
    if (this.#message !== undefined) this.#tell(0, [], [...this.#message.to]);
    this.#close('reset');
  }

  #tell(startMs: number, acknowledged: string[], unknown: string[]): void {
    const message = this.#message!;
    this.#message = undefined;
    const endMs = this.#server.clock.monotonicMs();
    const rest = { refused: [], unsent: [], startMs, sentMs: startMs, endMs };
    this.#events.onOutcome(this, { message, acknowledged, unknown, ...rest });
  }

  #close(detail: string): void {
    if (!this.#server.sessions.delete(this)) return;
    this.isIdle = false;
    this.#events.onClose(this, detail);
  }
}

async function play(server: ModelServer, options: LoadRunOptions, ms: number): Promise<LoadRun> {
  const run = new LoadRun(options);
  const ended = run.run();
  server.clock.advance(ms);
  await ended;
  return run;
}

function isNear(actual: number, expected: number, part: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * part, `${actual} is not near ${expected}`);
}

test('an open loop charges a stall to every message that came in it', async () => {
  const server = new ModelServer();
  server.stallMs = 200;
  const arrivals = new Arrivals('constant', 500, new SeededRandom(1));
  const durationMs = 20_000;
  await play(server, server.options({ arrivals, durationMs, sessionsMax: 500 }), 40_000);
  // A fifth of the messages waits, evenly from 200 ms down to nothing, and then the service time.
  const computed = (percentile: number) => 200 * (1 - (1 - percentile / 100) / 0.2) + 1;
  assert.equal(server.tally.messages, 10_000);
  for (const percentile of [85, 90, 99]) {
    isNear(server.tally.latency.percentileMs(percentile), computed(percentile), 0.02);
  }
  isNear(server.tally.latency.percentileMs(50), 1, 0.02);
});

test('a closed loop hides the same stall', async () => {
  const server = new ModelServer();
  server.stallMs = 200;
  await play(server, server.options({ durationMs: 20_000 }), 40_000);
  assert.ok(server.tally.messages > 15_000);
  isNear(server.tally.latency.percentileMs(99), 1, 0.02);
});

test('an open loop that finds no free session lets messages wait, and finishes them', async () => {
  const server = new ModelServer();
  server.serviceMs = 20;
  const arrivals = new Arrivals('constant', 100, new SeededRandom(1));
  const run = await play(server, server.options({ arrivals, durationMs: 1_000 }), 20_000);
  assert.equal(server.tally.messages, 100);
  assert.equal(server.tally.connections, 1);
  assert.equal(run.unstarted, 0);
  // 100 a second at 50 a second: the last has waited for the half of them.
  isNear(server.tally.latency.percentileMs(100), 1_010, 0.02);
});

test('messages that could not be started within the grace are counted', async () => {
  const server = new ModelServer();
  server.serviceMs = 1_000;
  const arrivals = new Arrivals('constant', 100, new SeededRandom(1));
  const run = await play(server, server.options({ arrivals, durationMs: 1_000 }), 60_000);
  assert.ok(run.unstarted >= 85 && run.unstarted < 90, `${run.unstarted}`);
  assert.equal(server.tally.messages + run.unstarted, 100);
});

test('a count ends the run, on as many connections as its messages may share', async () => {
  const server = new ModelServer();
  const options = server.options({ countMax: 100, perConnection: 8, sessionsMax: 3 });
  await play(server, options, 10_000);
  assert.equal(server.tally.messages, 100);
  assert.ok(server.tally.connections >= 13 && server.tally.connections <= 16);
  assert.equal(server.sessions.size, 0);
});

test('a server that dies leaves messages unknown, and the run goes on with it', async () => {
  const server = new ModelServer();
  const run = new LoadRun(server.options({ sessionsMax: 5, durationMs: 10_000 }));
  const ended = run.run();
  server.clock.advance(2_000.5);
  server.isUp = false;
  for (const session of [...server.sessions]) session.destroy();
  server.clock.advance(3_000);
  assert.equal(server.tally.unknown, 5);
  const before = server.tally.messages;
  server.isUp = true;
  server.clock.advance(20_000);
  await ended;
  isNear(server.tally.messages - before, 5 * 5_000, 0.12);
  assert.equal(server.tally.unknown, 5);
});

test('a server that stays away ends the run when patience is over', async () => {
  const server = new ModelServer();
  server.isUp = false;
  const options = server.options({ sessionsMax: 3, patienceMs: 5_000 });
  await play(server, options, 7_000);
  assert.equal(server.tally.messages, 0);
  assert.ok(server.tally.connections < 100, `${server.tally.connections} tries`);
});
