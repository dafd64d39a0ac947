/**
 * Plays one thread's share of a run: its part of each group's sessions or arrivals, side by side.
 *
 * Runs in:   load generator, any thread.
 * Invariant: the shares of a run together play what the plan says, whatever their number.
 */

import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { LedgerWriter } from '../ledger/ledger-writer.ts';
import type { LiveGroup } from '../measure/live-group.ts';
import { RunRecorder } from '../measure/recorder.ts';
import type { GroupReport, SeriesSecond } from '../measure/run-report.ts';
import { Series } from '../measure/series.ts';
import type { Share } from '../schedule/arrivals.ts';
import type { Driver } from '../schedule/driver.ts';
import { SeededRandom, seedOf } from '../seeded-random.ts';
import { clientNameOf, createDriver, shareOf } from './drivers.ts';
import type { GroupPlan, RunPlan } from './run-plan.ts';

/** What the harness is handed by its entry. */
export interface RunAdapters {
  readonly clock: Clock;
  readonly random: Random;
  /** Wall time minus `clock.monotonicMs()`. */
  readonly epochMs: number;
}

export interface ShareReport {
  /** Wall time. */
  readonly beganMs: number;
  readonly groups: readonly GroupReport[];
  readonly series: readonly SeriesSecond[];
}

/** What there is to tell while a share runs; counts are since its begin. */
export interface LiveShare {
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
  readonly unsent: number;
  /** The last whole second. */
  readonly latest: SeriesSecond | undefined;
  /** What last ended a session, or a try to open one, out of order. */
  readonly trouble: string | undefined;
  /** Only where the run is told to Prometheus: histograms cost a moment. */
  readonly groups?: readonly LiveGroup[];
}

/** A share wherever it is played. */
export interface PlayedShare {
  /** Resolves when it waits for nothing more to begin. */
  prepared(): Promise<void>;
  run(): Promise<ShareReport>;
  stop(): void;
  live(): LiveShare;
  /** Ends at once, without a report. */
  abandon(): void;
}

interface Playing {
  readonly driver: Driver;
  readonly recorder: RunRecorder;
}

export class ShareRun implements PlayedShare {
  readonly #adapters: RunAdapters;
  readonly #series = new Series();
  readonly #ledger: LedgerWriter | undefined;
  readonly #playing: readonly Playing[];
  readonly #isExposed: boolean;
  #beganMs = 0;

  constructor(plan: RunPlan, share: Share, adapters: RunAdapters) {
    this.#adapters = adapters;
    this.#isExposed = plan.prometheus !== undefined;
    this.#ledger = plan.ledger === undefined ? undefined : new LedgerWriter(plan.ledger);
    this.#playing = plan.groups
      .map((group, index) => this.#prepare(group, share, `${plan.seed} ${index} ${share.index}`))
      .filter((each) => each !== undefined);
  }

  async prepared(): Promise<void> {
    // Its messages were made with it.
  }

  /** Resolves when all sessions have ended. */
  async run(): Promise<ShareReport> {
    this.#beganMs = this.#adapters.clock.monotonicMs();
    for (const { recorder } of this.#playing) recorder.begin(this.#beganMs);
    await Promise.all(this.#playing.map(({ driver }) => driver.run()));
    this.#ledger?.close();
    for (const { recorder, driver } of this.#playing) recorder.end(driver.stoppedMs);
    return {
      beganMs: this.#adapters.epochMs + this.#beganMs,
      groups: this.#playing.map(({ recorder, driver }) => recorder.report(driver.unstarted)),
      series: this.#series.seconds(),
    };
  }

  /** Begins nothing more; what is under way comes to its end. */
  stop(): void {
    for (const { driver } of this.#playing) driver.stop();
  }

  abandon(): void {
    this.stop();
  }

  live(): LiveShare {
    const counts = { ok: 0, refused: 0, unknown: 0, unsent: 0 };
    const nowMs = this.#adapters.clock.monotonicMs() - this.#beganMs;
    let trouble: string | undefined;
    for (const { recorder } of this.#playing) {
      recorder.addTo(counts);
      trouble = recorder.trouble ?? trouble;
    }
    const latest = this.#series.latest(nowMs);
    if (!this.#isExposed) return { ...counts, latest, trouble };
    const groups = this.#playing.map(({ recorder }) => recorder.live());
    return { ...counts, latest, trouble, groups };
  }

  #prepare(group: GroupPlan, whole: Share, seed: string): Playing | undefined {
    const share = shareOf(group, whole);
    if (share.index >= share.count) return undefined;
    const { name, protocol, target, via = target } = group;
    const client = clientNameOf(group);
    const identity = { name, protocol, ...(client === undefined ? {} : { client }) };
    const where = `${target.host}:${target.port}`;
    const recorder = new RunRecorder({ ...identity, target: where }, this.#series);
    const { clock, epochMs } = this.#adapters;
    const place = {
      ...(group.via === undefined ? {} : { knownAs: target }),
      ...{ target: via, clock, recorder, epochMs, share },
      ledger: this.#ledger,
      random: new SeededRandom(seedOf(seed)),
      chance: this.#adapters.random,
    };
    // Arrivals have chance of their own: what sessions draw, and when, must not move them.
    const driver = createDriver(group, place, seedOf(seed, 'arrivals'));
    return { driver, recorder };
  }
}
