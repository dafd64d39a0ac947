/**
 * Shaping as one thread does it: keeps the shapes of its paths, and reports on them to their owners, joined by tick.
 *
 * Runs in:   engine threads; one per thread.
 * Limits:    one ask a shard at a time; a path that has news meanwhile tells them with the next. `rowsMax` rows an ask.
 * Invariant: a message costs no ask: what is told is told once a tick and path, or at once where a rule was hit.
 */

import type { Answer, Ask } from '../../../actors/ask.ts';
import { type PathReport, type PathStand, shapingAsks } from '../../../actors/asks/shaping-asks.ts';
import { siteShard } from '../../../actors/site-leases.ts';
import type { ShardId } from '../../../base/ids.ts';
import { secondMs } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import { PathShape } from './path-shape.ts';
import type { ShapingState } from './shaping-state.ts';

const askMsMax = 5 * secondMs;
const rowsMax = 1_000;

export interface ShaperOptions {
  readonly clock: Clock;
  readonly state: ShapingState;
  /** Names this thread's life. */
  readonly thread: string;
  readonly shards: number;
  readonly ask: (ask: Ask) => Promise<Answer>;
}

export class Shaper {
  readonly state: ShapingState;
  readonly #options: ShaperOptions;
  readonly #asking = new Set<ShardId>();
  readonly #paths = new Set<PathShape>();
  #isHurried = false;

  constructor(options: ShaperOptions) {
    this.#options = options;
    this.state = options.state;
  }

  /** The shape of a new path; `add` it, and it is reported on. */
  shapeOf(path: string): PathShape {
    const { clock, state } = this.#options;
    return new PathShape({ path, clock, state, onHit: () => this.#hurry() });
  }

  add(shape: PathShape): void {
    this.#paths.add(shape);
  }

  remove(shape: PathShape): void {
    this.#paths.delete(shape);
  }

  /** To be called once a second. */
  onTick(): void {
    const byShard = new Map<ShardId, PathShape[]>();
    for (const shape of this.#paths) {
      if (!shape.hasNews) continue;
      const shard = siteShard(shape.path, this.#options.shards);
      if (this.#asking.has(shard)) continue;
      const known = byShard.get(shard);
      if (known === undefined) byShard.set(shard, [shape]);
      else known.push(shape);
    }
    for (const [shard, paths] of byShard) this.#report(shard, paths);
  }

  /** What is hit in the same turn goes together. */
  #hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    this.#options.clock.setTimer(0, () => {
      this.#isHurried = false;
      this.onTick();
    });
  }

  #report(shard: ShardId, paths: readonly PathShape[]): void {
    const rows: PathReport[] = [];
    const shapes: PathShape[] = [];
    for (const shape of paths) {
      if (rows.length >= rowsMax) break;
      const row = shape.report();
      if (row === undefined) continue;
      rows.push(row);
      shapes.push(shape);
    }
    if (rows.length > 0) void this.#tell(shard, rows, shapes);
  }

  async #tell(
    shard: ShardId,
    rows: readonly PathReport[],
    shapes: readonly PathShape[],
  ): Promise<void> {
    const { clock, thread, ask } = this.#options;
    this.#asking.add(shard);
    const answer = await ask({
      ...{ shard, actor: 'shaping', name: shapingAsks.feedback, key: '', class: 'short' },
      // What keeps mail from being refused must not wait behind mail.
      ...{ lane: 'system', deadlineMs: clock.nowMs() + askMsMax, meta: [thread, rows], body: [] },
    });
    this.#asking.delete(shard);
    if (!answer.ok) {
      // Refusals that nobody heard come again, if they go on; domains are told once.
      for (const shape of shapes) shape.tellAgain();
      return;
    }
    const stands = answer.value as readonly (PathStand | null)[];
    shapes.forEach((shape, at) => {
      shape.stand = stands[at] ?? undefined;
    });
  }
}
