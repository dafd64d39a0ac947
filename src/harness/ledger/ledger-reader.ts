/**
 * Reads a ledger folder, whole or as it grows; all of it, or one part of its messages.
 *
 * Runs in:   ledger, crash and bench runs.
 * Limits:    reads `chunkBytes` at a time; a longer line costs its own length.
 * Invariant: a line is given out once, and only when its end has been written. All entries of an id are in one part.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { mebibyte } from '../../base/units.ts';
import { type EntryKind, entryFile, entryKinds, type LedgerEntries } from './entries.ts';
import { idHash, idHashAt } from './id-hash.ts';

const chunkBytes = mebibyte;
const lineFeed = 0x0a;
const quote = 0x22;
const backslash = 0x5c;
/** How a writer begins every line. */
const lineStart = Buffer.from('{"id":"', 'latin1');

export interface EntryReceiver {
  add<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void;
  /** A line that is no entry: the folder cannot be trusted. */
  addMalformed(kind: EntryKind, line: string): void;
}

/** One of `count` parts of all messages, dealt out by their ids. */
export interface Part {
  readonly index: number;
  readonly count: number;
}

const wholeLedger: Part = { index: 0, count: 1 };

export class LedgerReader {
  readonly #folder: string;
  readonly #part: Part;
  readonly #kinds: readonly EntryKind[];
  readonly #offsets = new Map<EntryKind, number>();

  constructor(folder: string, part = wholeLedger, kinds: readonly EntryKind[] = entryKinds) {
    this.#folder = folder;
    this.#part = part;
    this.#kinds = kinds;
  }

  /** Gives all lines of the part written since the last call to `receiver`; answers how many. */
  readNew(receiver: EntryReceiver): number {
    let count = 0;
    for (const kind of this.#kinds) count += this.#readKind(kind, receiver);
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
        count += giveLines(kind, chunk.subarray(0, end), this.#part, receiver);
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

function giveLines(kind: EntryKind, bytes: Buffer, part: Part, receiver: EntryReceiver): number {
  let count = 0;
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, start);
    if (end > start && isInPart(bytes, start, end, part)) {
      count++;
      const line = bytes.toString('utf8', start, end);
      const entry = parseEntry(line);
      if (entry === undefined) receiver.addMalformed(kind, line);
      else receiver.add(kind, entry as never);
    }
    start = end + 1;
  }
  return count;
}

/** By its first bytes where a writer of ours wrote it: of most lines no more is looked at. */
function isInPart(bytes: Buffer, start: number, end: number, { index, count }: Part): boolean {
  if (count === 1) return true;
  const idStart = start + lineStart.length;
  const isPlain =
    bytes.compare(lineStart, 0, lineStart.length, start, Math.min(idStart, end)) === 0;
  if (isPlain) {
    let at = idStart;
    while (at < end && bytes[at] !== quote && bytes[at] !== backslash && bytes[at]! < 0x80) at++;
    if (bytes[at] === quote) return idHashAt(bytes, idStart, at) % count === index;
  }
  const entry = parseEntry(bytes.toString('utf8', start, end));
  return (entry === undefined ? 0 : idHash(entry.id) % count) === index;
}

function parseEntry(line: string): { readonly id: string } | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    const isEntry =
      typeof entry === 'object' &&
      entry !== null &&
      typeof (entry as { id?: unknown }).id === 'string' &&
      Array.isArray((entry as { to?: unknown }).to);
    return isEntry ? (entry as { id: string }) : undefined;
  } catch {
    return undefined;
  }
}
