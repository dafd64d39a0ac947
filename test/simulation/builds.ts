/**
 * Builds of the store that are wrong on purpose. Each must fail the power-cut test, or show what
 * its fault costs.
 */

import { appliedChange, readApplied } from '../../src/engine/store/applied.ts';
import { Journal } from '../../src/engine/store/journal/journal.ts';
import { storeLimits } from '../../src/engine/store/limits.ts';
import type { RecordDraft, RecordPlace } from '../../src/engine/store/record.ts';
import { replayStart } from '../../src/engine/store/replay.ts';
import { Shard } from '../../src/engine/store/shard.ts';
import type { Disk, DiskFile } from '../../src/ports/disk.ts';
import type { Build } from './life.ts';
import { seededChance, seededRandom } from './seeded-chance.ts';

/** `sync` of a file says yes and does nothing. */
export const withoutSync: Build = {
  name: 'without sync',
  wrapDisk: (disk) => wrapFiles(disk, (file) => ({ ...bound(file), sync: async () => {} })),
  open: (options) => Shard.open(options),
};

/** The same for folders. */
export const withoutFolderSync: Build = {
  name: 'without folder sync',
  wrapDisk: (disk) => ({ ...boundDisk(disk), syncFolder: async () => {} }),
  open: (options) => Shard.open(options),
};

/**
 * Syncs of segments are held back until `settle`: what is done between a write and its `settle`
 * comes before it.
 *
 * Held are those of records and no others, or this build had a second fault. A side segment's
 * sync comes before its record is written, but may run while another group is committed. Folders
 * are synced for side segments' names and freed segments' renaming too, and a call does not say for
 * which; a new segment's name that lasts before its bytes do is what any cut there may leave.
 */
class LateSyncs {
  #held: (() => Promise<void>)[] = [];
  isHolding = false;

  wrap(disk: Disk): Disk {
    return wrapFiles(disk, (file) => ({
      ...bound(file),
      sync: async () => {
        if (!this.isHolding || !file.path.endsWith('.seg')) return file.sync();
        this.#held.push(() => file.sync());
      },
    }));
  }

  async settle(): Promise<void> {
    this.isHolding = false;
    const held = this.#held;
    this.#held = [];
    for (const sync of held) await sync();
  }
}

/**
 * The index is committed, with its applied position, before the records are synced; answers come
 * after both.
 *
 * One commit takes a group's rows and its position. The true build may commit a full batch in the
 * turn its group was written, and the position a turn later: its rows are those of synced records,
 * and replay only makes them again. Here a cut that leaves the first commit and not the second
 * would leave rows of records that never were, behind a position the journal bears out.
 */
function indexFirst(name: string, isTrusted: boolean): Build {
  let syncs = new LateSyncs();
  return {
    name,
    isDiskSound: true,
    wrapDisk(disk) {
      syncs = new LateSyncs();
      return syncs.wrap(disk);
    },
    open(options) {
      const late = syncs;
      class IndexFirstShard extends Shard {
        protected override async commitGroup(
          drafts: readonly RecordDraft[],
        ): Promise<readonly RecordPlace[]> {
          late.isHolding = true;
          try {
            const places = await super.commitGroup(drafts);
            await this.writer.drain().catch(() => {});
            return places;
          } finally {
            await late.settle();
          }
        }
      }
      const unbound = Number.POSITIVE_INFINITY;
      const inOneCommit = { indexChangesBatch: unbound, overlayChangesMax: unbound };
      const limits = { ...options.limits, ...inOneCommit };
      return IndexFirstShard.open({ ...options, limits });
    },
    async beforeOpen(disk, index) {
      if (!isTrusted) return;
      const applied = readApplied(index);
      const chance = seededChance(1);
      const journal = await Journal.open({
        disk,
        folder: '/shard/journal',
        shard: 0,
        random: seededRandom(chance),
        limits: storeLimits(),
      });
      const start = replayStart(journal, applied);
      // Trusting it means: nothing to replay, whatever the journal says.
      if (applied === undefined || start.kind === 'from') return;
      await index.commit([appliedChange(journal.position)]);
    },
  };
}

export const indexFirstTrusted = indexFirst('index first, trusted', true);
export const indexFirstOnly = indexFirst('index first', false);

function wrapFiles(disk: Disk, wrap: (file: DiskFile) => DiskFile): Disk {
  return { ...boundDisk(disk), open: async (path, mode) => wrap(await disk.open(path, mode)) };
}

function bound(file: DiskFile): DiskFile {
  return {
    path: file.path,
    size: () => file.size(),
    read: (position, length) => file.read(position, length),
    readNow: (position, into) => file.readNow(position, into),
    write: (position, parts) => file.write(position, parts),
    sync: () => file.sync(),
    truncate: (length) => file.truncate(length),
    close: () => file.close(),
  };
}

function boundDisk(disk: Disk): Disk {
  return {
    open: (path, mode) => disk.open(path, mode),
    list: (folder) => disk.list(folder),
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => disk.syncFolder(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    freeBytes: (path) => disk.freeBytes(path),
  };
}
