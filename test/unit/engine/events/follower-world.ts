/** A shard on a disk that dies on purpose, its event log, and the follower between them; one life after another. */

import type { PackedEvent } from '../../../../src/actors/asks/trace-asks.ts';
import { eventIdOf, tailOf } from '../../../../src/actors/asks/trace-asks.ts';
import { defaultTenant, shardId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, gibibyte } from '../../../../src/base/units.ts';
import { EventLog } from '../../../../src/engine/events/event-log.ts';
import { JournalFollower } from '../../../../src/engine/events/journal-follower.ts';
import type { EventLogLimits } from '../../../../src/engine/events/limits.ts';
import { tellRecord } from '../../../../src/engine/events/record-events.ts';
import { toldDraft, toldKind } from '../../../../src/engine/feedback/records.ts';
import type { StoreLimits } from '../../../../src/engine/store/limits.ts';
import type { RecordDraft, RecordKind } from '../../../../src/engine/store/record.ts';
import { Shard } from '../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../simulation/seeded-chance.ts';
import { type Chance, SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';
import { turns } from '../store/store-bench.ts';

export const shard = 3;

export interface Life {
  readonly store: Shard;
  readonly eventLog: EventLog;
  readonly follower: JournalFollower;
  readonly clock: SeededClock;
  /** The log has all that the journal tells. */
  readonly begun: Promise<void>;
  close(): Promise<void>;
}

export interface FollowedWorld {
  disk: SimulatedDisk;
  index: RewindableIndex;
  startMs: number;
  readonly chance: Chance;
  open(limits?: Partial<EventLogLimits>, store?: Partial<StoreLimits>): Promise<Life>;
}

export function followedWorld(seed = 1): FollowedWorld {
  const chance = seededChance(seed);
  const world: FollowedWorld = {
    disk: new SimulatedDisk(chance),
    index: new RewindableIndex(),
    startMs: Date.UTC(2026, 0, 1),
    chance,
    open: (limits = {}, store = {}) => open(world, limits, store),
  };
  return world;
}

async function open(
  { disk, index, chance, startMs }: FollowedWorld,
  limits: Partial<EventLogLimits>,
  storeLimits: Partial<StoreLimits>,
): Promise<Life> {
  const clock = new SeededClock(startMs);
  const eventLog: EventLog = new EventLog({
    folder: '/shard',
    ...{ shard, disk, clock, limits },
    log: silentLog,
    keep: async () => ({ keepMs: 7 * dayMs, bytesMax: gibibyte }),
    onSynced: (position) => follower.onSynced(position),
    onFault: () => follower.onFault(),
  });
  const { heldRecordsMax } = limits;
  const follower: JournalFollower = new JournalFollower({
    ...{ eventLog, clock },
    log: silentLog,
    ...(heldRecordsMax === undefined ? {} : { heldRecordsMax }),
  });
  const store = await Shard.open({
    id: shardId(shard),
    folder: '/shard',
    ...{ disk, index, clock },
    random: seededRandom(chance),
    log: silentLog,
    kinds: [silentKind, toldKind],
    limits: { reserveBytes: 4_096, diskFreeBytesMin: 8_192, ...storeLimits },
    onWritten: (drafts, places) => follower.onWritten(drafts, places),
  });
  const begun = follower.begin(store);
  return {
    ...{ store, eventLog, follower, clock, begun },
    async close() {
      await follower.close();
      await eventLog.close();
      await store.close();
    },
  };
}

/** A record that tells one event, and one that tells none. */
export function telling(name: string): RecordDraft {
  const head = [11, Date.UTC(2026, 0, 1), name, 0, 's@a.test', ['r@b.test']] as const;
  return toldDraft([...head, 'abuse', 'spring', '', 'fbl']);
}

export function silent(name: string): RecordDraft {
  return { type: silentKind.type, tenant: defaultTenant, meta: Buffer.from(name), body: [] };
}

const silentKind: RecordKind = { type: 31, name: 'silent', apply: () => [] };

/** All events of the log, as they stand. */
export async function eventsIn({ eventLog }: Pick<Life, 'eventLog'>): Promise<PackedEvent[]> {
  const page = await eventLog.readForward({ after: 'start', limit: 100_000 });
  return [...page.events];
}

export function namesIn(events: readonly PackedEvent[]): string[] {
  return events.map((event) => event[2]);
}

/** By id: what a consumer has who drops what it has seen. */
export function byId(events: readonly PackedEvent[]): Map<string, string> {
  return new Map(events.map((event) => [eventIdOf(shard, event) ?? '?', JSON.stringify(event)]));
}

/** What the journal itself tells, read from its start. */
export async function eventsOfJournal({ store }: Pick<Life, 'store'>): Promise<PackedEvent[]> {
  const told: PackedEvent[] = [];
  const start = { epoch: 0, segment: 0, offset: 0, sequence: 0 };
  await store.following.read(start, (records) => {
    for (const { type, tenant, meta, place } of records) {
      const { sequence, bodyBytes } = place;
      const record = { type, tenant, meta, sequence, bodyBytes, unpacked: undefined };
      tellRecord(record, (event) => told.push(event));
    }
    return undefined;
  });
  return told;
}

/** Time goes on, in steps: what is due runs, and what it starts. */
export async function pass(clock: SeededClock, ms: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    await turns();
  }
}

export { tailOf, turns };
