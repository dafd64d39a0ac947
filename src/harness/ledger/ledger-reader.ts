/**
 * Reads a ledger folder, whole or as it grows.
 *
 * Runs in:   ledger, crash and bench runs.
 * Limits:    reads `chunkBytes` at a time.
 * Invariant: a line is given out once, and only when its end has been written.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type EntryKind, entryFile, entryKinds, type LedgerEntries } from './entries.ts';

const chunkBytes = 1024 * 1024;
const lineFeed = 0x0a;

export interface EntryReceiver {
  add<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void;
  /** A line that is no entry: the folder cannot be trusted. */
  addMalformed(kind: EntryKind, line: string): void;
}

export class LedgerReader {
  readonly #folder: string;
  readonly #offsets = new Map<EntryKind, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Gives all lines written since the last call to `receiver`; answers how many. */
  readNew(receiver: EntryReceiver): number {
    let count = 0;
    for (const kind of entryKinds) count += this.#readKind(kind, receiver);
    return count;
  }

  #readKind(kind: EntryKind, receiver: EntryReceiver): number {
    const descriptor = openIfThere(join(this.#folder, entryFile(kind)));
    if (descriptor === undefined) return 0;
    let count = 0;
    try {
      let chunk = Buffer.alloc(chunkBytes);
      for (;;) {
        const offset = this.#offsets.get(kind) ?? 0;
        const length = readSync(descriptor, chunk, 0, chunk.length, offset);
        const end = chunk.subarray(0, length).lastIndexOf(lineFeed) + 1;
        if (end === 0) {
          if (length < chunk.length) return count;
          chunk = Buffer.alloc(chunk.length * 2);
          continue;
        }
        count += giveLines(kind, chunk.subarray(0, end), receiver);
        this.#offsets.set(kind, offset + end);
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function giveLines(kind: EntryKind, bytes: Buffer, receiver: EntryReceiver): number {
  let count = 0;
  for (const line of bytes.toString('utf8').split('\n')) {
    if (line === '') continue;
    count++;
    const entry = parseEntry(line);
    if (entry === undefined) receiver.addMalformed(kind, line);
    else receiver.add(kind, entry as never);
  }
  return count;
}

function parseEntry(line: string): unknown {
  try {
    const entry: unknown = JSON.parse(line);
    const isEntry =
      typeof entry === 'object' &&
      entry !== null &&
      typeof (entry as { id?: unknown }).id === 'string' &&
      Array.isArray((entry as { to?: unknown }).to);
    return isEntry ? entry : undefined;
  } catch {
    return undefined;
  }
}
