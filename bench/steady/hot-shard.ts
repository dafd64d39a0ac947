/**
 * One shard gets ten times as much mail as each of the others: what the rest feels before and after shards move.
 *
 * Runs in:   bench.
 * Invariant: the same loads with moves on and off; what is compared stands in the same seconds of both runs.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShardAccounts } from './accounts.ts';
import { runLoad, type SteadyReport, type Window, windowOf } from './load.ts';
import { startRig } from './rig.ts';
import type { Scene, SceneOptions, SceneResult } from './scene.ts';

const shards = 8;
const hotShard = 0;
/** Shards of the hot one's thread, and of the other: owners are dealt out in turn. */
const neighbours = [2, 4, 6];
const others = [1, 3, 5, 7];
const hotter = 10;
/** Into each shard but the hot one, an open loop. */
const othersPerSecond = 40;
/** Of the hot shard's messages: many copies each make its thread the narrow place, not the sessions. */
const hotRecipients = 8;
const messageBytes = 3_072;
/** Of the hot shard: a closed loop keeps its thread at work all the time, and hopeless at none. */
const sessions = 40;
const warmUpSeconds = 4;
/** Seconds at the beginning and at the end that are compared. */
const windowShare = 0.25;
const betterBy = 0.8;

interface MoveSeen {
  readonly shard: number;
  readonly from: number;
  readonly to: number;
  readonly ms: number;
  /** Since the loads began. */
  readonly atSeconds: number;
}

interface Figures {
  readonly name: string;
  /** Copies. */
  readonly hotPerSecond: number;
  readonly moves: readonly MoveSeen[];
  readonly windows: Readonly<
    Record<'hot' | 'neighbours' | 'others', { readonly first?: Window; readonly last?: Window }>
  >;
  readonly refused: number;
}

export const hotShardScene: Scene = {
  name: 'hot-shard',
  title: 'One shard is ten times hotter than the others, or more',
  seconds: 60,
  secondsShort: 24,
  async run(options) {
    const on = await measure('moves on', 'true', options);
    const off = await measure('moves off', 'false', options);
    return describe([on, off]);
  },
};

async function measure(
  name: string,
  moves: string,
  { work, seconds, say }: SceneOptions,
): Promise<Figures> {
  const rig = await startRig(work, 9, {
    CHASKI_WORKERS: '2',
    CHASKI_SHARDS: `${shards}`,
    CHASKI_ROUTER__MOVES: moves,
  });
  try {
    const accounts = await ShardAccounts.create(rig.folder);
    const lmtp = { port: rig.lmtpPort, protocol: 'lmtp', messageBytes } as const;
    const to = accounts.file([hotShard]);
    const hotLoad = {
      port: rig.server.port,
      to,
      messageBytes,
      recipients: hotRecipients,
      sessions,
    };
    await runLoad({ ...lmtp, to: accounts.file([...neighbours, ...others]), sessions, seconds: 2 });
    await runLoad({ ...hotLoad, seconds: warmUpSeconds });
    say(`hot-shard, ${name}`);
    const beganMs = Date.now();
    const open = (shardList: readonly number[], seed: number) => {
      const perSecond = shardList.length * othersPerSecond;
      return runLoad({ ...lmtp, to: accounts.file(shardList), perSecond, seconds, seed });
    };
    const [hot, near, far] = await Promise.all([
      runLoad({ ...hotLoad, seconds }),
      open(neighbours, 2),
      open(others, 3),
    ]);
    return {
      name,
      hotPerSecond: hot.acknowledged / hot.seconds,
      moves: movesIn(join(rig.folder, 'server.log'), beganMs),
      windows: {
        hot: windows(hot, seconds),
        neighbours: windows(near, seconds),
        others: windows(far, seconds),
      },
      refused: hot.refused + near.refused + far.refused,
    };
  } finally {
    await rig.stop();
  }
}

function windows({ series }: SteadyReport, seconds: number) {
  const length = Math.max(3, Math.floor(seconds * windowShare));
  // Not the first second: connections are being made.
  const first = windowOf(series.seconds, 1, length);
  const last = windowOf(series.seconds, seconds - length, seconds);
  return {
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
  };
}

/** The log says of each move when it was and how long the shard was closed. */
function movesIn(file: string, beganMs: number): readonly MoveSeen[] {
  const moves: MoveSeen[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.includes('a shard moved')) continue;
    const { time, shard, from, to, ms } = JSON.parse(line);
    const atMs = typeof time === 'number' ? time : Date.parse(time);
    moves.push({ shard, from, to, ms, atSeconds: (atMs - beganMs) / 1_000 });
  }
  return moves;
}

function describe(figures: readonly [Figures, Figures]): SceneResult {
  const [on, off] = figures;
  const before = on.windows.neighbours.first?.p99Ms ?? 0;
  const after = on.windows.neighbours.last?.p99Ms ?? Number.POSITIVE_INFINITY;
  const afterOff = off.windows.neighbours.last?.p99Ms ?? 0;
  const moved = on.moves
    .map(
      ({ shard, from, to, ms, atSeconds }) =>
        `${shard}: ${from}→${to} at ${atSeconds.toFixed(0)} s, closed ${ms.toFixed(0)} ms`,
    )
    .join('; ');
  return {
    columns: [
      ...[
        '',
        'hot shard/s, each other',
        'neighbours p50 / p99 / longest ms, first',
        'neighbours, last',
      ],
      ...['others, first', 'others, last', 'hot, last', 'refused', 'moves'],
    ],
    rows: figures.map((each) => [
      each.name,
      `${each.hotPerSecond.toFixed(0)}, ${othersPerSecond}`,
      words(each.windows.neighbours.first),
      words(each.windows.neighbours.last),
      words(each.windows.others.first),
      words(each.windows.others.last),
      words(each.windows.hot.last),
      `${each.refused}`,
      `${each.moves.length}`,
    ]),
    checks: [
      {
        what: 'the hot shard got at least ten times as many copies as each other one',
        isReached: figures.every((each) => each.hotPerSecond >= hotter * othersPerSecond),
        measured: figures
          .map((each) => `${(each.hotPerSecond / othersPerSecond).toFixed(1)} times`)
          .join(' and '),
      },
      {
        what: 'with moves on, shards moved; with moves off, none did',
        isReached: on.moves.length > 0 && off.moves.length === 0,
        measured: `${on.moves.length} and ${off.moves.length}`,
      },
      {
        what: `p99 of the neighbours after the moves is at most ${betterBy} of that before, or of that with moves off`,
        isReached: after <= before * betterBy || after <= afterOff * betterBy,
        measured: `${before.toFixed(1)} → ${after.toFixed(1)} ms; moves off: ${afterOff.toFixed(1)} ms`,
      },
      {
        what: 'nothing was refused',
        isReached: on.refused === 0,
        measured: `${on.refused}`,
      },
    ],
    notes: [
      'Neighbours are the other shards of the hot one’s thread. p50 and p99 are those of a typical second.',
      `Moves: ${moved === '' ? 'none' : moved}.`,
    ],
    figures,
  };
}

function words(window: Window | undefined): string {
  if (window === undefined) return 'none came';
  return `${window.p50Ms.toFixed(1)} / ${window.p99Ms.toFixed(1)} / ${window.maxMs.toFixed(0)}`;
}
