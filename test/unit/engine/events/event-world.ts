/** An event log on a disk in memory and a clock turned by hand, and events to put into it. */

import type { PackedEvent, TracePage } from '../../../../src/actors/asks/trace-asks.ts';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs, gibibyte } from '../../../../src/base/units.ts';
import type { Keep } from '../../../../src/engine/events/closed-segments.ts';
import { EventLog } from '../../../../src/engine/events/event-log.ts';
import { searchKeyOf } from '../../../../src/engine/events/frames.ts';
import type { EventLogLimits } from '../../../../src/engine/events/limits.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import type { Disk } from '../../../../src/ports/disk.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

export const shardFolder = '/data/shards/000';
export const eventsFolder = `${shardFolder}/events`;

/** What the hand-turned clock shows at first. */
export const startMs = Date.UTC(2026, 0, 1);

export interface World {
  readonly disk: Disk;
  readonly clock: SeededClock;
  readonly keep: { keepMs: number; bytesMax: number };
}

export async function newWorld(disk: Disk = new MemoryDisk()): Promise<World> {
  await disk.makeFolder(shardFolder);
  return { disk, clock: new SeededClock(startMs), keep: { keepMs: 7 * dayMs, bytesMax: gibibyte } };
}

export interface LogParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly keep?: Keep;
  readonly limits?: Partial<EventLogLimits>;
}

export function startLog({ disk, clock, keep, limits = {} }: LogParts): EventLog {
  const kept = keep ?? { keepMs: 7 * dayMs, bytesMax: gibibyte };
  const log = new EventLog({
    folder: shardFolder,
    shard: 0,
    disk,
    clock,
    log: silentLog,
    keep: async () => kept,
    limits,
  });
  log.start();
  return log;
}

/** The n-th message's id. */
export function idOf(number: number): string {
  return `01JQ5Z8N3K7M${String(number).padStart(4, '0')}`;
}

/** `atMs` counts from `startMs`. */
export function delivered(
  number: number,
  atMs: number,
  sender = 'sender@example.org',
  recipient = `user${number}@example.com`,
): PackedEvent {
  const instantMs = startMs + atMs;
  const to = [recipient];
  return [1, instantMs, idOf(number), 0, sender, to, 'mx.test', '192.0.2.1', '250 ok', 1, 0];
}

export interface Wish {
  readonly limit?: number;
  readonly sinceMs?: number;
  readonly isOver?: () => boolean;
}

export function read(log: EventLog, of: string, wish: Wish = {}): Promise<TracePage> {
  const { limit = 1_000, sinceMs = 0, isOver = () => false } = wish;
  return log.read({ key: searchKeyOf(of), limit, sinceMs, isOver });
}

export async function idsOf(log: EventLog, of: string, wish: Wish = {}): Promise<string[]> {
  return (await read(log, of, wish)).events.map((event) => event[2]);
}
