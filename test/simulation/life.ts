/**
 * One life of a shard on a simulated disk: opened, used at random, and ended by a cut at any call
 * to the disk. Here with the plainest table there is; `mail-life.ts` is the same with mailboxes.
 */

import { MailError } from '../../src/base/errors.ts';
import { shardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import type { StoreLimits } from '../../src/engine/store/limits.ts';
import type { RecordPlace, SideBody } from '../../src/engine/store/record.ts';
import { Shard, type ShardOptions, type ShardStatus } from '../../src/engine/store/shard.ts';
import { sideOfName } from '../../src/engine/store/side/format.ts';
import { type Disk, DiskError } from '../../src/ports/disk.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import {
  checkItems,
  hashOf,
  type LedgerItem,
  putDraft,
  removeDraft,
  tableKinds,
  takeLive,
} from './ledger-table.ts';
import { RewindableIndex, tableText } from './rewindable-index.ts';
import { seededRandom } from './seeded-chance.ts';
import { type Chance, pick, SimulatedDisk } from './simulated-disk.ts';

/** Small enough that a life meets rolls, recycling, a full overlay and index lag. */
export const smallLimits: Partial<StoreLimits> = {
  fillBytesMax: 6 * 1_024,
  groupBytesMax: 16 * 1_024,
  overlayChangesMax: 40,
  indexChangesBatch: 12,
  indexDelayMs: 100,
  reserveBytes: 4_096,
  diskFreeBytesMin: 8_192,
};

/**
 * What a reopening copies (`suspectBytes`) is all of a short segment, which then leaves the chain,
 * and the end of a long one, which stays: both are met.
 */
export const segmentBytesMaxima = [48 * 1_024, 160 * 1_024];

export type OpenShard = (options: ShardOptions) => Promise<Shard>;

/** How a build is got wrong on purpose; the true one changes nothing. */
export interface Build {
  readonly name: string;
  /** What stands between the shard and its disk. */
  wrapDisk(disk: Disk): Disk;
  open: OpenShard;
  /** False: only cuts, no failed writes and syncs. */
  readonly isDiskSound?: boolean;
  /** Before a shard is opened on what a cut left. */
  beforeOpen?(disk: Disk, index: RewindableIndex): Promise<void>;
}

export const trueBuild: Build = {
  name: 'true',
  wrapDisk: (disk) => disk,
  open: (options) => Shard.open(options),
};

/** What outlives a cut: the platter, the index's copies, and what was promised. */
export interface World {
  disk: SimulatedDisk;
  index: RewindableIndex;
  readonly segmentBytesMax: number;
  readonly ledger: Map<number, LedgerItem>;
  itemNext: number;
}

export function newWorld(chance: Chance): World {
  return {
    disk: new SimulatedDisk(chance),
    index: new RewindableIndex(),
    segmentBytesMax: pick(segmentBytesMaxima, chance),
    ledger: new Map(),
    itemNext: 1,
  };
}

/** What is lived, cut after cut, in a world that outlives the cuts. */
export interface Play<W> {
  readonly name: string;
  newWorld(chance: Chance): W;
  live(world: W, chance: Chance, build: Build): Promise<LifeReport>;
  /** With the index as it is, and made anew: they must be equal. */
  tables(world: W, chance: Chance, build: Build): Promise<string[]>;
  /** What was accepted, to show that something was. */
  count(world: W): number;
}

export interface LifeReport {
  readonly status: ShardStatus | undefined;
  readonly faults: readonly string[];
}

/**
 * Lives until a cut at a random call, or to the end of its work; leaves in `world` what the cut
 * left.
 */
export async function live(world: World, chance: Chance, build: Build): Promise<LifeReport> {
  const faults: string[] = [];
  let status: ShardStatus | undefined;
  let callsLeft = Math.floor(chance() ** 2 * 400);
  const { disk } = world;
  disk.plan = { onCall: () => callsLeft-- <= 0 };
  const clock = new SeededClock();
  const places = new Map<number, RecordPlace>();
  try {
    const shard = await openOn(world, chance, build, clock, places);
    if (disk.isOff) throw new Error('the power went while the shard looked for room');
    status = shard.status();
    // The cut must not fall into the check: it belongs to the life, but its reads are not the
    // subject.
    const spared = callsLeft;
    callsLeft = Number.POSITIVE_INFINITY;
    faults.push(...(await checkItems(shard, world.ledger)));
    if (status.readOnlyReason === undefined) faults.push(...(await checkFiles(disk, places)));
    settleLedger(world.ledger, places);
    callsLeft = spared;
    planFaults(disk, chance, build.isDiskSound === true, () => callsLeft-- <= 0);
    faults.push(...(await work(shard, world, chance, clock, places)));
  } catch (error) {
    if (!disk.isOff) faults.push(`did not open: ${String(error)}`);
  }
  await settle(clock);
  // A killed process leaves pages that a failed sync spoiled readable: the next cut takes them.
  world.disk = chance() < 0.25 ? disk.killProcess() : disk.cutPower();
  world.index = await world.index.copyAt(rewound(world.index.commitCount, chance));
  return { status, faults };
}

/** Mostly near the newest copy: far back is mostly a long replay. */
export function rewound(commitCount: number, chance: Chance): number {
  if (chance() < 0.4) return commitCount;
  return chance() < 0.1
    ? Math.floor(chance() * (commitCount + 1))
    : Math.max(0, commitCount - Math.floor(chance() ** 2 * 12));
}

export async function openOn(
  world: Pick<World, 'disk' | 'index' | 'segmentBytesMax'>,
  chance: Chance,
  build: Build,
  clock: SeededClock,
  places: Map<number, RecordPlace>,
): Promise<Shard> {
  await build.beforeOpen?.(world.disk, world.index);
  return build.open({
    id: shardId(0),
    folder: '/shard',
    disk: build.wrapDisk(world.disk),
    index: world.index,
    clock,
    random: seededRandom(chance),
    log: silentLog,
    kinds: tableKinds(places),
    limits: { ...smallLimits, segmentBytesMax: world.segmentBytesMax },
  });
}

/** A side segment without a live body is gone, or empty and the last one. */
async function checkFiles(disk: Disk, places: ReadonlyMap<number, RecordPlace>): Promise<string[]> {
  const live = new Set([...places.values()].map(({ segment }) => segment));
  const faults: string[] = [];
  const names = (await disk.list('/shard/journal')).filter((name) => name.endsWith('.body'));
  for (const name of names) {
    const number = sideOfName(name)!;
    if (live.has(number)) continue;
    const file = await disk.open(`/shard/journal/${name}`, 'read');
    const size = await file.size();
    await file.close();
    if (size > 0 || name !== names.at(-1)) faults.push(`${name} is left with ${size} bytes`);
  }
  return faults;
}

/** After a check, what was only asked for is settled by what the shard holds. */
function settleLedger(ledger: Map<number, LedgerItem>, places: ReadonlyMap<number, unknown>): void {
  for (const [item, entry] of ledger) {
    if (!places.has(item)) ledger.delete(item);
    else {
      entry.put = 'accepted';
      entry.removal = 'none';
    }
  }
}

export function planFaults(
  disk: SimulatedDisk,
  chance: Chance,
  isSound: boolean,
  onCall: () => boolean,
): void {
  const rate = chance() < 0.3 && !isSound ? 0.04 : 0;
  const fault = () => (chance() < rate ? pick(['io', 'no-space'] as const, chance) : undefined);
  disk.plan = {
    onCall,
    onWrite: fault,
    onSync: () => (chance() < rate ? 'io' : undefined),
    freeBytes: () => (chance() < 0.1 ? 1_000 : 1_000_000),
  };
}

const nothing = () => {};

async function work(
  shard: Shard,
  world: World,
  chance: Chance,
  clock: SeededClock,
  places: Map<number, RecordPlace>,
): Promise<readonly string[]> {
  const faults: string[] = [];
  // What an append refuses is no fault; what else is thrown is the store's own assertion.
  const note = (error: unknown) => void faults.push(`while at work: ${String(error)}`);
  const steps = Math.floor(chance() * 60);
  const indexFails = chance() < 0.1;
  world.index.fails = () => indexFails && chance() < 0.5;
  const asked: Promise<void>[] = [];
  for (let step = 0; step < steps && !world.disk.isOff; step++) {
    const burst = 1 + Math.floor(chance() * 4);
    for (let i = 0; i < burst; i++) {
      asked.push(act(shard, world, chance, places).catch(note));
    }
    if (chance() < 0.03) asked.push(shard.compact().then(nothing, nothing));
    clock.advance(pick([0, 1, 20, 60, 120, 1_100], chance));
    if (chance() < 0.7) await turn();
  }
  if (chance() < 0.2) {
    await settled(shard.close(), clock);
  }
  for (let i = 0; i < 20; i++) {
    clock.advance(60);
    await turn();
  }
  world.index.fails = () => false;
  await Promise.race([Promise.all(asked), settle(clock)]);
  return faults;
}

function act(
  shard: Shard,
  world: World,
  chance: Chance,
  places: Map<number, RecordPlace>,
): Promise<void> {
  const { ledger } = world;
  if (chance() < 0.4 && ledger.size > 0) return removeSome(shard, ledger, chance, places);
  return putSome(shard, world, chance, places);
}

async function putSome(
  shard: Shard,
  world: World,
  chance: Chance,
  places: Map<number, RecordPlace>,
): Promise<void> {
  const count = 1 + Math.floor(chance() * 3);
  const items: number[] = [];
  const isLarge = chance() < 0.15;
  const sides = isLarge ? await writeSides(shard, count, chance) : [];
  if (isLarge && sides.length === 0) return;
  const drafts = Array.from({ length: isLarge ? sides.length : count }, (_, i) => {
    const item = world.itemNext++;
    const { body, side } = sides[i] ?? { body: randomBody(chance), side: undefined };
    items.push(item);
    world.ledger.set(item, { hash: hashOf(Buffer.concat(body)), put: 'asked', removal: 'none' });
    return putDraft(item, body, item, side);
  });
  const isLazy = chance() < 0.2;
  try {
    const got = await (isLazy ? shard.appendLazily(drafts) : shard.append(drafts));
    items.forEach((item, i) => {
      world.ledger.get(item)!.put = 'accepted';
      places.set(item, got[i]!);
    });
  } catch {
    // Refused: the records may be there or not.
  }
}

interface WrittenSide {
  readonly body: readonly Buffer[];
  readonly side: SideBody;
}

/** Bodies in side segments, some of them given up on the way. */
async function writeSides(shard: Shard, count: number, chance: Chance): Promise<WrittenSide[]> {
  const sides: WrittenSide[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const front = randomBody(chance);
      const rest = randomBody(chance);
      const writer = await shard.openBody(Buffer.concat(front).length);
      try {
        for (const part of rest) await writer.append(part);
        if (chance() < 0.8) {
          sides.push({ body: [...front, ...rest], side: await writer.seal(front) });
        }
      } finally {
        await writer.discard();
      }
    }
  } catch (error) {
    // Refused, as any write may be; those before it are let go.
    if (!(error instanceof DiskError) && !(error instanceof MailError)) throw error;
    for (const { side } of sides) shard.dropBody(side);
    return [];
  }
  return sides;
}

async function removeSome(
  shard: Shard,
  ledger: Map<number, LedgerItem>,
  chance: Chance,
  places: Map<number, RecordPlace>,
): Promise<void> {
  // Oldest first, as a queue drains: so segments come free.
  const candidates = [...ledger].filter(([item, entry]) => {
    return entry.put === 'accepted' && entry.removal === 'none' && places.has(item);
  });
  const first = candidates[Math.floor(chance() ** 2 * candidates.length)]?.[0];
  if (first === undefined) return;
  const end = first + 1 + Math.floor(chance() ** 3 * 6);
  const hit = [...ledger].filter(([item]) => item >= first && item < end).map(([, entry]) => entry);
  // A range over an item whose put is under way would depend on which of the two is written first.
  if (hit.some((entry) => entry.put === 'asked')) return;
  for (const entry of hit) entry.removal = 'asked';
  try {
    await shard.append([removeDraft(first, end)]);
  } catch {
    return;
  }
  for (const entry of hit) entry.removal = 'accepted';
  for (const place of takeLive(places, first, end)) shard.releaseBody(place);
}

function randomBody(chance: Chance): Buffer[] {
  const parts = 1 + Math.floor(chance() * 2);
  return Array.from({ length: parts }, () => {
    const size = Math.floor(chance() ** 3 * 9_000);
    return Buffer.alloc(size, Math.floor(chance() * 256));
  });
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets everything under way come to its end. */
export async function settle(clock: SeededClock): Promise<void> {
  for (let i = 0; i < 40; i++) {
    clock.advance(200);
    await turn();
  }
}

/** Turns the clock until the promise settles; one that never does is a fault of its own. */
export async function settled(promise: Promise<void>, clock: SeededClock): Promise<void> {
  let isDone = false;
  const done = promise.finally(() => {
    isDone = true;
  });
  for (let i = 0; i < 50 && !isDone; i++) await settle(clock);
  if (!isDone) throw new Error('a shard did not close');
  await done;
}

/** What a cut leaves, whatever the table. */
export interface Remains {
  disk: SimulatedDisk;
  index: RewindableIndex;
}

/** The tables a shard comes to from what is on the disk, with the index given and with none. */
export async function tablesOf(
  world: Remains,
  open: (on: Remains, clock: SeededClock) => Promise<Shard>,
): Promise<string[]> {
  const texts: string[] = [];
  // Nothing is unsynced on a disk after a cut: each further cut is a copy of it.
  const base = world.disk.cutPower();
  for (const index of [await world.index.copyAt(world.index.commitCount), new RewindableIndex()]) {
    const clock = new SeededClock();
    const shard = await open({ disk: base.cutPower(), index }, clock);
    await settled(shard.close(), clock);
    texts.push(tableText(index));
  }
  world.disk = base.cutPower();
  return texts;
}

/** The life of the plain table, for `cutOften`. */
export const itemPlay: Play<World> = {
  name: 'items',
  newWorld,
  live,
  tables: (world, chance, build) =>
    tablesOf(world, (on, clock) =>
      openOn({ ...on, segmentBytesMax: world.segmentBytesMax }, chance, build, clock, new Map()),
    ),
  count: ({ itemNext }) => itemNext - 1,
};
