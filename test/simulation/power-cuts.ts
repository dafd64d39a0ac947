/**
 * Many lives and cuts of one build, from one seed, and what they showed.
 */

import type { Build, Play } from './life.ts';
import { seededChance } from './seeded-chance.ts';
import type { Chance } from './simulated-disk.ts';

/** A world starts anew after so many cuts, so that both long histories and fresh shards are met. */
const cutsPerWorld = 25;
/** Tables are compared once in so many cuts: it opens the shard twice more. */
const cutsPerComparison = 5;

export interface CutReport {
  readonly play: string;
  readonly build: string;
  readonly seed: number;
  readonly cuts: number;
  readonly faults: readonly string[];
  /** Shards opened whose index was thrown away, by reason. */
  readonly rebuilt: Readonly<Record<string, number>>;
  readonly replayedCount: number;
  readonly comparisons: number;
  /** Items put, or commands that were answered. */
  readonly acceptedCount: number;
  readonly segmentsMax: number;
}

export interface CutOptions<W> {
  readonly play: Play<W>;
  readonly build: Build;
  readonly cuts: number;
  readonly seed: number;
  /** Stops at the first faults. */
  readonly faultsMax?: number;
  readonly onProgress?: (cuts: number) => void;
}

export async function cutOften<W>(options: CutOptions<W>): Promise<CutReport> {
  const { play, build, cuts, seed, faultsMax = 10, onProgress } = options;
  const faults: string[] = [];
  const rebuilt: Record<string, number> = {};
  let replayedCount = 0;
  let comparisons = 0;
  let acceptedCount = 0;
  let segmentsMax = 0;
  let chance = seededChance(seed);
  let world = play.newWorld(chance);
  let cut = 0;
  for (; cut < cuts && faults.length < faultsMax; cut++) {
    if (cut % cutsPerWorld === 0) {
      acceptedCount += play.count(world);
      chance = seededChance(seed * 1_000_003 + cut);
      world = play.newWorld(chance);
    }
    const { status, faults: found } = await play.live(world, chance, build);
    faults.push(...found.map((fault) => `cut ${cut}: ${fault}`));
    replayedCount += status?.replayedCount ?? 0;
    segmentsMax = Math.max(segmentsMax, status?.segmentCount ?? 0);
    const reason = status?.rebuildReason;
    if (reason !== undefined) rebuilt[reason] = (rebuilt[reason] ?? 0) + 1;
    if (cut % cutsPerComparison === cutsPerComparison - 1) {
      comparisons++;
      const fault = await compareTables(play, world, chance, build);
      if (fault !== undefined) faults.push(`cut ${cut}: ${fault}`);
    }
    if (onProgress !== undefined && cut % 250 === 249) onProgress(cut + 1);
  }
  return {
    play: play.name,
    build: build.name,
    seed,
    cuts: cut,
    faults,
    rebuilt,
    replayedCount,
    comparisons,
    acceptedCount: acceptedCount + play.count(world),
    segmentsMax,
  };
}

async function compareTables<W>(
  play: Play<W>,
  world: W,
  chance: Chance,
  build: Build,
): Promise<string | undefined> {
  try {
    const [behind, anew] = await play.tables(world, chance, build);
    return behind === anew ? undefined : 'the index replayed is not the index made anew';
  } catch (error) {
    return `did not open to compare tables: ${String(error)}`;
  }
}
