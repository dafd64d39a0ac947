/**
 * Moves a shard from a thread that stays hot to one that is not, and closes one for work that needs it closed.
 *
 * Runs in:   main thread.
 * Limits:    one move at a time, at most one each `restMs`; a shard that does not drain within `drainMsMax` stays.
 * Invariant: no ask is lost or passes another of its actor: while a shard moves, its asks wait at the edge in order,
 *            bounded by its backlog, and it is closed on one thread before it is opened on the other.
 */

import { failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Answer } from './ask.ts';
import type { Placement } from './placement.ts';
import type { Router } from './router.ts';
import type { Supervisor } from './supervise.ts';

export interface MoveLimits {
  /** A thread is hot above this share of busy time… */
  readonly hotBusy: number;
  /** …while another is below this one… */
  readonly coolBusy: number;
  /** …for so many looks in a row. */
  readonly hotCount: number;
  readonly drainMsMax: number;
  readonly restMs: number;
}

const moveLimitsDefault: MoveLimits = {
  hotBusy: 0.85,
  coolBusy: 0.5,
  hotCount: 5,
  drainMsMax: 10_000,
  restMs: 10_000,
};

export interface MoverOptions {
  readonly router: Router;
  readonly placement: Placement;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly log: Log;
  readonly busy: (thread: number) => number;
  readonly rate: (shard: ShardId) => number;
  readonly limits?: Partial<MoveLimits>;
}

export interface Move {
  readonly shard: ShardId;
  readonly from: number;
  readonly to: number;
}

export class Mover {
  readonly #options: MoverOptions;
  readonly #limits: MoveLimits;
  #hotThread = -1;
  #hotCount = 0;
  #restUntilMs = 0;
  #isMoving = false;

  constructor(options: MoverOptions) {
    this.#options = options;
    this.#limits = { ...moveLimitsDefault, ...options.limits };
  }

  /** Looks at the loads, about once a second; starts a move when one thread stays hotter. */
  look(): void {
    const { clock, busy, placement } = this.#options;
    const hot = hottest(placement.workers, busy);
    const isHot = hot.busy > this.#limits.hotBusy && hot.coolBusy < this.#limits.coolBusy;
    this.#hotCount = isHot && hot.thread === this.#hotThread ? this.#hotCount + 1 : isHot ? 1 : 0;
    this.#hotThread = hot.thread;
    if (this.#hotCount < this.#limits.hotCount || this.#isMoving) return;
    if (clock.monotonicMs() < this.#restUntilMs) return;
    const shard = this.#choose(hot.thread, hot.cool);
    if (shard !== undefined) void this.move({ shard, from: hot.thread, to: hot.cool });
  }

  /** True when the shard is open on the other thread; false when it stayed or must be opened again where it is. */
  async move(move: Move): Promise<boolean> {
    const { shard, from, to } = move;
    const { router, placement, supervisor, log, clock } = this.#options;
    if (this.#isMoving || from === to || placement.owner(shard) !== from) return false;
    this.#isMoving = true;
    const startMs = clock.monotonicMs();
    router.hold(shard);
    try {
      if (!(await this.#drain(shard))) return false;
      // A thread that died meanwhile opens its shards itself when it is back: then the shard just stays.
      if (placement.owner(shard) !== from || !supervisor.isOpen(shard)) return false;
      const closed = await supervisor.closeShard(shard);
      if (!closed.ok) return false;
      placement.move(shard, to);
      const isOpen = await supervisor.open(shard);
      log.info({ shard, from, to, isOpen, ms: clock.monotonicMs() - startMs }, 'a shard moved');
      return isOpen;
    } finally {
      router.release(shard);
      this.#isMoving = false;
      this.#hotCount = 0;
      this.#restUntilMs = clock.monotonicMs() + this.#limits.restMs;
    }
  }

  /**
   * Closes the shard, runs `whileClosed`, and opens the shard where it was; its asks wait meanwhile, as in a move.
   * Answers what `whileClosed` did, or why it was not run or the shard does not open again.
   */
  async reopen(shard: ShardId, whileClosed: (thread: number) => Promise<Answer>): Promise<Answer> {
    const { router, placement, supervisor } = this.#options;
    if (this.#isMoving) return failure('not-possible-now', 'a shard is being moved');
    this.#isMoving = true;
    const thread = placement.owner(shard);
    router.hold(shard);
    try {
      if (!(await this.#drain(shard))) {
        return failure('not-possible-now', `shard ${shard} has work under way that does not end`);
      }
      const state = supervisor.shardState(shard);
      if (state !== 'open' && state !== 'read-only') {
        return failure('not-possible-now', `shard ${shard} is not open`);
      }
      const closed = await supervisor.closeShard(shard);
      if (!closed.ok) return closed;
      const answer = await whileClosed(thread);
      if (!(await supervisor.open(shard))) {
        return failure('store-failed', `shard ${shard} does not open again; the log says why`);
      }
      return answer;
    } finally {
      router.release(shard);
      this.#isMoving = false;
    }
  }

  async #drain(shard: ShardId): Promise<boolean> {
    const { router, clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimer(this.#limits.drainMsMax, () => resolve(false));
      void router.drained(shard).then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  /** The active spool shard stays: new mail is led elsewhere without a move. */
  #choose(from: number, to: number): ShardId | undefined {
    const { placement, rate, supervisor } = this.#options;
    const total = (thread: number) =>
      placement.shardsOf(thread).reduce((sum, shard) => sum + rate(shard), 0);
    const active = placement.activeShard(from);
    const candidates = placement
      .shardsOf(from)
      .filter((shard) => shard !== active && supervisor.isOpen(shard));
    return bestMove(candidates, rate, total(from), total(to));
  }
}

/** A move must bring the hotter thread's rate down by so much to be worth its pause. */
const gainMin = 0.05;

/** The shard after whose move the hotter of the two threads has least to do; none when little is gained. */
export function bestMove(
  candidates: readonly ShardId[],
  rate: (shard: ShardId) => number,
  fromTotal: number,
  toTotal: number,
): ShardId | undefined {
  let best: ShardId | undefined;
  let bestPeak = fromTotal * (1 - gainMin);
  for (const shard of candidates) {
    const peak = Math.max(fromTotal - rate(shard), toTotal + rate(shard));
    if (peak < bestPeak) {
      best = shard;
      bestPeak = peak;
    }
  }
  return best;
}

interface Hottest {
  readonly thread: number;
  readonly busy: number;
  readonly cool: number;
  readonly coolBusy: number;
}

function hottest(workers: number, busyOf: (thread: number) => number): Hottest {
  let thread = 0;
  let cool = 0;
  for (let other = 1; other < workers; other++) {
    if (busyOf(other) > busyOf(thread)) thread = other;
    if (busyOf(other) < busyOf(cool)) cool = other;
  }
  return { thread, busy: busyOf(thread), cool, coolBusy: busyOf(cool) };
}
