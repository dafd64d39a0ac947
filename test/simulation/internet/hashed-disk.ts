/** A disk that shows what is written to event logs, in the order it is written. */

import type { Disk, DiskFile } from '../../../src/ports/disk.ts';

export function hashedDisk(disk: Disk, onEvents: (bytes: Uint8Array) => void): Disk {
  return {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return path.includes('/events/') ? seen(file, onEvents) : file;
    },
    list: (folder) => disk.list(folder),
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => disk.syncFolder(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    freeBytes: (path) => disk.freeBytes(path),
  };
}

function seen(file: DiskFile, onEvents: (bytes: Uint8Array) => void): DiskFile {
  return {
    path: file.path,
    size: () => file.size(),
    read: (position, length) => file.read(position, length),
    readNow: (position, into) => file.readNow(position, into),
    write: (position, parts) => {
      for (const part of parts) onEvents(part);
      return file.write(position, parts);
    },
    sync: () => file.sync(),
    truncate: (length) => file.truncate(length),
    close: () => file.close(),
  };
}
