/**
 * Plays an HTTP load by autocannon: a closed loop, or a constant rate dealt out to connections that begin one after the
 * other within a second.
 *
 * Runs in:   load generator.
 * Limits:    `sessionsMax` connections; those of a rate begin in `phasesMax` steps; a server that refuses is tried by one
 *            at a time (`BackOff`), for `patienceMs`; what is under way at the end has `graceMs`.
 * Invariant: autocannon sends and waits; what is told is told by its events. Its own histograms stay empty: for a rate
 *            they add made-up values to each latency, in steps of a millisecond whatever the rate.
 */

import { createRequire } from 'node:module';
import type autocannon from 'autocannon';
import type { Timer } from '../../../ports/clock.ts';
import { mixTurn } from '../../corpus/mix.ts';
import type { Share } from '../../schedule/arrivals.ts';
import { BackOff } from '../../schedule/back-off.ts';
import { type Driver, graceMs } from '../../schedule/driver.ts';
import type { ProtocolPlace } from '../protocol.ts';
import {
  type AutocannonClient,
  AutocannonConnection,
  type ConnectionPlace,
} from './autocannon-connection.ts';
import { commonHeaders, type HttpPlan, originOf, replyMsMax } from './http-plan.ts';
import { Pace } from './pace.ts';
import { makeRequest } from './requests.ts';

/** Steps in which the connections of a rate begin; within a step they begin together. */
const phasesMax = 100;
const secondMs = 1_000;
/** Autocannon ends with its connections, looked at so often, not by its own timer, which cuts what is under way. */
const lookMs = 50;
const durationSecondsMax = 2_000_000;

export interface AutocannonOptions {
  readonly sessionsMax: number;
  /** Absent: a closed loop. */
  readonly perSecond: number | undefined;
  readonly durationMs: number;
  readonly countMax: number;
  readonly patienceMs: number;
}

/** A connection's place in the load, taken by one connection after the other. */
type Seat = Pace | undefined;

export class AutocannonLoad implements Driver {
  /** Loaded before the load begins. */
  readonly #autocannon = loadAutocannon();
  readonly #options: AutocannonOptions;
  readonly #place: ProtocolPlace;
  readonly #plan: HttpPlan;
  readonly #origin: string;
  readonly #connectionPlace: ConnectionPlace;
  /** Objects that autocannon writes its requests into, shared by all connections. */
  readonly #written: readonly object[];
  readonly #seats: readonly Seat[];
  readonly #backOff: BackOff;
  readonly #open = new Set<AutocannonConnection>();
  readonly #crews = new Set<Promise<unknown>>();
  readonly #ended = Promise.withResolvers<void>();
  #vacant: Seat[] = [];
  #timers: Timer[] = [];
  #retry: Timer | undefined;
  #isFilling = false;
  #begunCount = 0;
  #isStopping = false;
  stoppedMs = 0;

  constructor(plan: HttpPlan, place: ProtocolPlace, options: AutocannonOptions) {
    this.#options = options;
    this.#place = place;
    this.#plan = plan;
    this.#origin = originOf(plan, place.target);
    const kinds = plan.requests.map((each) =>
      makeRequest(each, commonHeaders(plan, place.knownAs)),
    );
    const requests = Array.from(mixTurn(plan.requests), (index) => kinds[index]!);
    this.#written = requests.map(writable);
    this.#connectionPlace = {
      ...{ recorder: place.recorder, clock: place.clock, requests },
      isSecure: plan.tls !== 'none',
      onBegun: () => this.#onBegun(),
      onAnswered: (isFirst) => this.#onAnswered(isFirst),
      onGone: (connection, wasAnswered, detail) => this.#onGone(connection, wasAnswered, detail),
    };
    const { sessionsMax, countMax, perSecond = Infinity } = options;
    const length = Math.min(sessionsMax, countMax, perSecond);
    this.#seats = Array.from({ length }, () => (perSecond === Infinity ? undefined : new Pace()));
    this.#backOff = new BackOff(options.patienceMs);
  }

  async run(): Promise<void> {
    const { durationMs, perSecond } = this.#options;
    if (Number.isFinite(durationMs)) this.#after(durationMs, () => this.stop());
    if (perSecond === undefined) this.#fill([...this.#seats]);
    else
      for (const [ms, seats] of phases(this.#seats, this.#place.share))
        this.#after(ms, () => this.#fill(seats));
    await this.#ended.promise;
    for (const timer of this.#timers) timer.cancel();
    await Promise.all(this.#crews);
  }

  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.stoppedMs = this.#place.clock.monotonicMs();
    this.#retry?.cancel();
    const free = new Set([...this.#open].filter(({ isFree }) => isFree).map(({ pace }) => pace));
    for (const seat of this.#seats) seat?.end(this.stoppedMs, free.has(seat));
    for (const connection of [...this.#open]) connection.leave();
    this.#after(graceMs, () => {
      for (const connection of [...this.#open]) connection.cut();
    });
    this.#endIfDone();
  }

  get unstarted(): number {
    return this.#seats.reduce((sum, seat) => sum + (seat?.omittedCount ?? 0), 0);
  }

  #after(ms: number, run: () => void): void {
    this.#timers.push(this.#place.clock.setTimer(ms, run));
  }

  /** Gives connections to seats, as many as the server is asked for now. */
  #fill(seats: Seat[]): void {
    if (this.#isStopping) return;
    this.#vacant.push(...seats);
    const left = this.#options.countMax - this.#begunCount;
    const allowed = this.#backOff.allow(Math.min(this.#vacant.length, left));
    if (allowed > 0) this.#openCrew(this.#vacant.splice(0, allowed));
  }

  /** One run of autocannon's, of as many connections as there are seats. */
  #openCrew(seats: readonly Seat[]): void {
    const { perSecond } = this.#options;
    const { tlsName } = this.#plan;
    let next = 0;
    const rates = perSecond === undefined ? 0 : dealt(perSecond, this.#seats, seats);
    const options = {
      ...{ url: this.#origin, connections: seats.length, sampleInt: lookMs },
      ...{ duration: durationSecondsMax, timeout: replyMsMax / secondMs },
      ...{ skipAggregateResult: true, histograms: { ...noHistograms } },
      ...(rates === 0 ? {} : { overallRate: rates }),
      ...(tlsName === undefined ? {} : { servername: tlsName }),
      setupClient: (client: unknown) => this.#seat(client as AutocannonClient, seats[next++]),
    };
    const crew: Promise<void> = Promise.resolve(this.#autocannon(options)).then(
      () => void this.#crews.delete(crew),
      (error: unknown) => this.#ended.reject(error),
    );
    this.#crews.add(crew);
  }

  #seat(client: AutocannonClient, seat: Seat): void {
    const { random, recorder, clock } = this.#place;
    const at = Math.floor(random.fraction() * this.#written.length);
    client.setRequests([...this.#written.slice(at), ...this.#written.slice(0, at)]);
    seat?.begin(clock.monotonicMs(), client.rate);
    recorder.connection();
    this.#open.add(new AutocannonConnection(client, this.#connectionPlace, at, seat));
  }

  #onBegun(): void {
    this.#begunCount++;
    const doneWith =
      this.#begunCount + (this.#options.perSecond === undefined ? 0 : this.unstarted);
    if (doneWith >= this.#options.countMax) this.stop();
  }

  #onAnswered(isFirst: boolean): void {
    if (!isFirst) this.#backOff.served();
    else if (this.#backOff.opened()) this.#fillSoon();
  }

  #onGone(connection: AutocannonConnection, wasAnswered: boolean, detail: string): void {
    this.#open.delete(connection);
    this.#place.recorder.closing(detail);
    if (this.#isStopping) {
      this.#endIfDone();
      return;
    }
    const seat = connection.pace;
    const waitMs = seat === undefined ? 0 : seat.turnMs - this.#place.clock.monotonicMs();
    // A new connection asks at once, and its rate is not to grow by that.
    if (waitMs > 0) this.#place.clock.setTimer(waitMs, () => this.#fill([seat]));
    else this.#vacant.push(seat);
    if (wasAnswered) this.#fillSoon();
    else this.#retryLater();
  }

  /** All that are gone at once are followed by one crew. */
  #fillSoon(): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    setImmediate(() => {
      this.#isFilling = false;
      this.#fill([]);
    });
  }

  #retryLater(): void {
    const { clock } = this.#place;
    const waitMs = this.#backOff.failed(clock.monotonicMs(), true);
    if (waitMs === undefined) {
      this.stop();
      return;
    }
    this.#retry ??= clock.setTimer(waitMs, () => {
      this.#retry = undefined;
      this.#backOff.retry();
      this.#fill([]);
    });
  }

  #endIfDone(): void {
    if (this.#open.size === 0) this.#ended.resolve();
  }
}

/** Seats of a rate by when they begin; threads begin between each other's. */
function phases(seats: readonly Seat[], share: Share): readonly (readonly [number, Seat[]])[] {
  const count = Math.min(phasesMax, seats.length);
  return Array.from({ length: count }, (_, phase) => {
    const ms = ((phase + share.index / share.count) * secondMs) / count;
    return [ms, seats.filter((_seat, index) => index % count === phase)] as const;
  });
}

/** Requests a second for some seats of all, so that those of all add up to the rate. */
function dealt(perSecond: number, all: readonly Seat[], some: readonly Seat[]): number {
  const least = Math.floor(perSecond / all.length);
  const more = new Set(all.slice(0, perSecond % all.length));
  return some.reduce((sum, seat) => sum + least + (more.has(seat) ? 1 : 0), 0);
}

function writable({ method, path, headers, body }: ReturnType<typeof makeRequest>): object {
  // RFC 9110 §8.6: else a server may wait for a body.
  const length = body === null && /^P/.test(method) ? { 'Content-Length': '0' } : {};
  return { method, path, headers: { ...headers, ...length }, ...(body === null ? {} : { body }) };
}

const nothing = () => {};
/** What autocannon would keep figures in; `__custom` says that they are not its own. */
const noHistogram = {
  ...{ __custom: true, recordValue: nothing, recordValueWithExpectedInterval: nothing },
  ...{ reset: nothing, destroy: nothing },
};
const noHistograms = { latencies: noHistogram, requests: noHistogram, throughput: noHistogram };

/** Loaded by the loads that use it: it costs 300 ms of CPU. */
function loadAutocannon(): typeof autocannon {
  return createRequire(import.meta.url)('autocannon') as typeof autocannon;
}
