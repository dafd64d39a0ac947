/**
 * Moves a shard from a thread that stays hot to one that is not, and closes one for work that needs it closed.
 *
 * Runs in:   main thread.
 * Limits:    one move at a time, `movesMax` in a row and then none for `restMs`; a shard that does not drain within
 *            `drainMsMax` stays.
 * Invariant: no ask is lost or passes another of its actor: while a shard moves, its asks wait at the edge in order,
 *            bounded by its backlog, and it is closed on one thread before it is opened on the other.
 */

import { failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Answer } from './ask.ts';
import type { ThreadLoad } from './load.ts';
import type { Placement } from './placement.ts';
import type { Router } from './router.ts';
import type { Supervisor } from './supervise.ts';

export interface MoveLimits {
  /** A thread is hot above this share of busy time… */
  readonly hotBusy: number;
  /** …while another is below this one… */
  readonly coolBusy: number;
  /** …or has so much less waiting: where cores are short, all threads that have work look busy… */
  readonly coolBacklog: number;
  /** …than it has itself, at least so many asks… */
  readonly hotBacklog: number;
  /** …for so many looks in a row. */
  readonly hotCount: number;
  /** Its asks wait meanwhile. */
  readonly drainMsMax: number;
  /** Moves are reckoned from rates of one moment: these many, and then the new loads are looked at for a while. */
  readonly movesMax: number;
  readonly restMs: number;
}

export const moveLimitsDefault: MoveLimits = {
  hotBusy: 0.85,
  coolBusy: 0.5,
  coolBacklog: 0.25,
  hotBacklog: 16,
  hotCount: 5,
  drainMsMax: 2_000,
  movesMax: 4,
  restMs: 10_000,
};

/** An operator's work may wait longer for quiet. */
const reopenDrainMsMax = 10_000;

export interface MoverOptions {
  readonly router: Router;
  readonly placement: Placement;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly log: Log;
  readonly load: (thread: number) => BusyLoad;
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
    const { clock, load, placement } = this.#options;
    const loads = Array.from({ length: placement.workers }, (_, thread) => load(thread));
    const found = hotAndCool(loads, this.#limits);
    if (found === undefined) this.#hotCount = 0;
    else this.#hotCount = found.hot === this.#hotThread ? this.#hotCount + 1 : 1;
    this.#hotThread = found?.hot ?? -1;
    if (found === undefined || this.#hotCount < this.#limits.hotCount || this.#isMoving) return;
    if (clock.monotonicMs() < this.#restUntilMs) return;
    void this.#relieve(found.hot, found.cool);
  }

  /** Where one shard alone makes the heat, all others have to leave it. */
  async #relieve(from: number, to: number): Promise<void> {
    for (let i = 0; i < this.#limits.movesMax; i++) {
      const shard = this.#choose(from, to);
      if (shard === undefined || !(await this.move({ shard, from, to }))) return;
    }
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
      if (!(await this.#drain(shard, this.#limits.drainMsMax))) return false;
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
      if (!(await this.#drain(shard, reopenDrainMsMax))) {
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

  async #drain(shard: ShardId, msMax: number): Promise<boolean> {
    const { router, clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimer(msMax, () => resolve(false));
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

export type BusyLoad = Pick<ThreadLoad, 'busy' | 'backlog'>;

/** The busiest thread and the one with least to do, where the one is hot and the other is not. */
export function hotAndCool(
  loads: readonly BusyLoad[],
  limits: MoveLimits,
): { readonly hot: number; readonly cool: number } | undefined {
  let hot = 0;
  let cool = 0;
  for (let thread = 1; thread < loads.length; thread++) {
    if (weight(loads[thread]!) > weight(loads[hot]!)) hot = thread;
    if (weight(loads[thread]!) < weight(loads[cool]!)) cool = thread;
  }
  const { busy, backlog } = loads[hot]!;
  if (busy <= limits.hotBusy) return undefined;
  const isCool =
    loads[cool]!.busy < limits.coolBusy ||
    (backlog >= limits.hotBacklog && loads[cool]!.backlog < backlog * limits.coolBacklog);
  return isCool ? { hot, cool } : undefined;
}

/** Busy time says most while cores are free; once all are busy, what waits does. */
function weight({ busy, backlog }: BusyLoad): number {
  return busy + backlog / 100;
}
