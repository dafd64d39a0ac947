/**
 * Appends entries to a ledger folder.
 *
 * Runs in:   load generator and sink.
 * Limits:    at most `bufferedBytesMax` or `bufferedMsMax` of entries wait in memory; `close`
 *            writes the rest.
 * Invariant: a line reaches its file whole and in one append, so that writers may share the folder.
 */

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { type EntryKind, entryFile, type LedgerEntries } from './entries.ts';

const bufferedBytesMax = 64 * 1024;
const bufferedMsMax = 20;

interface Lines {
  readonly descriptor: number;
  text: string;
}

export class LedgerWriter {
  readonly #folder: string;
  readonly #lines = new Map<EntryKind, Lines>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  append<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void {
    assert(!this.#isClosed, 'no entry after close');
    const lines = this.#linesOf(kind);
    lines.text += `${JSON.stringify(entry)}\n`;
    if (lines.text.length >= bufferedBytesMax) writeLines(lines);
    else this.#timer ??= setTimeout(() => this.flush(), bufferedMsMax);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const lines of this.#lines.values()) writeLines(lines);
  }

  close(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    for (const lines of this.#lines.values()) closeSync(lines.descriptor);
  }

  #linesOf(kind: EntryKind): Lines {
    const known = this.#lines.get(kind);
    if (known !== undefined) return known;
    const lines = {
      descriptor: openSync(join(this.#folder, entryFile(kind)), 'a', 0o600),
      text: '',
    };
    this.#lines.set(kind, lines);
    return lines;
  }
}

function writeLines(lines: Lines): void {
  if (lines.text === '') return;
  const bytes = Buffer.from(lines.text, 'utf8');
  lines.text = '';
  const written = writeSync(lines.descriptor, bytes);
  // A short append (disk full) leaves a torn line: going on would let another writer's line join
  // it.
  assert(written === bytes.length, `ledger took ${written} of ${bytes.length} bytes`);
}
