/**
 * A shard on a simulated disk with a clock turned by hand, and a kind that keeps its meta as a row.
 */

import { defaultTenant, shardId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { StoreLimits } from '../../../../src/engine/store/limits.ts';
import type {
  JournalRecord,
  RecordDraft,
  RecordKind,
} from '../../../../src/engine/store/record.ts';
import { Shard, type ShardOptions } from '../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

export const noteType = 30;

/** Rows 0x20·text → sequence. */
export function noteKind(restored: JournalRecord[] = []): RecordKind {
  return {
    type: noteType,
    name: 'note',
    pinsBody: true,
    apply: (record) => [
      { put: noteKey(text(record.meta)), value: Buffer.from(String(record.place.sequence)) },
    ],
    restore: (record) => {
      restored.push(record);
    },
    *livePlaces() {},
  };
}

export function note(meta: string, body: string | Uint8Array = ''): RecordDraft {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { type: noteType, tenant: defaultTenant, meta: Buffer.from(meta), body: [bytes] };
}

export function noteKey(meta: string): Buffer {
  return Buffer.concat([Buffer.of(0x20), Buffer.from(meta)]);
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export interface StoreBench {
  disk: SimulatedDisk;
  index: RewindableIndex;
  readonly clock: SeededClock;
  readonly restored: JournalRecord[];
  open(more?: Partial<ShardOptions>): Promise<Shard>;
}

export function storeBench(limits: Partial<StoreLimits> = {}): StoreBench {
  const chance = seededChance(1);
  const clock = new SeededClock();
  const restored: JournalRecord[] = [];
  const bench: StoreBench = {
    disk: new SimulatedDisk(chance),
    index: new RewindableIndex(),
    clock,
    restored,
    open: (more = {}) =>
      Shard.open({
        id: shardId(3),
        folder: '/shard',
        disk: bench.disk,
        index: bench.index,
        clock,
        random: seededRandom(chance),
        log: silentLog,
        kinds: [noteKind(restored)],
        limits: { reserveBytes: 4_096, diskFreeBytesMin: 8_192, ...limits },
        ...more,
      }),
  };
  return bench;
}

/** Lets what is under way go on, without the clock. */
export async function turns(count = 60): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Changes one byte of a file behind the store's back. */
export async function spoilByte(disk: SimulatedDisk, path: string, at: number): Promise<void> {
  const file = await disk.open(path, 'write');
  const [byte] = await file.read(at, 1);
  await file.write(at, [Uint8Array.of(byte! ^ 0xff)]);
  await file.sync();
  await file.close();
}
