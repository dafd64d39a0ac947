/**
 * Rows that hold over a restart, in a JSON file of their own, a row a line.
 *
 * Runs in:   main thread.
 * Limits:    `bytesMax` of a file: rows past it are not written, and not read.
 * Invariant: one write at a time, of what is newest then, under another name first: a crash in the middle leaves the
 *            former file. What cannot be read is no reason not to start.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { utf8, view } from '../base/bytes.ts';
import type { Log } from '../base/log.ts';
import { mebibyte } from '../base/units.ts';
import { type Disk, DiskError } from '../ports/disk.ts';

export const bytesMaxDefault = 16 * mebibyte;

export interface KeptRowsOptions<Row> {
  readonly disk: Disk;
  readonly folder: string;
  readonly name: string;
  /** For the log: what its rows are. */
  readonly what: string;
  readonly isRow: (value: unknown) => value is Row;
  readonly log: Log;
  readonly bytesMax?: number;
}

export class KeptRows<Row> {
  readonly #options: KeptRowsOptions<Row>;
  readonly #bytesMax: number;
  #writing = Promise.resolve();
  #unwritten: readonly Row[] | undefined;

  constructor(options: KeptRowsOptions<Row>) {
    this.#options = options;
    this.#bytesMax = options.bytesMax ?? bytesMaxDefault;
  }

  /** Those it was given last, the first ones where there are too many. */
  async read(): Promise<readonly Row[]> {
    const { disk, folder, name, what, isRow, log } = this.#options;
    const path = join(folder, name);
    try {
      const file = await disk.open(path, 'read');
      const size = await file.size();
      const bytes = await file.read(0, Math.min(size, this.#bytesMax));
      await file.close();
      const text = view(bytes).toString('utf8');
      if (size <= this.#bytesMax) {
        const rows: unknown = JSON.parse(text);
        return Array.isArray(rows) ? rows.filter(isRow) : [];
      }
      log.error(
        { path, size, bytesMax: this.#bytesMax },
        `too many ${what}: the last are left out`,
      );
      return wholeLines(text).filter(isRow);
    } catch (error) {
      if (error instanceof DiskError && error.fault === 'missing') return [];
      log.error({ path, detail: String(error) }, `${what} of the last run are not known`);
      return [];
    }
  }

  /** The most important first: the last go where there are too many. */
  keep(rows: readonly Row[]): void {
    const isWaiting = this.#unwritten !== undefined;
    this.#unwritten = rows;
    if (isWaiting) return;
    this.#writing = this.#writing.then(async () => {
      const wanted = this.#unwritten!;
      this.#unwritten = undefined;
      try {
        await this.#write(wanted);
      } catch (error) {
        const { log, what } = this.#options;
        log.error({ detail: String(error) }, `${what} are not kept over a restart`);
      }
    });
  }

  /** All is on disk that was to be kept. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #write(rows: readonly Row[]): Promise<void> {
    const { disk, folder, name, what, log } = this.#options;
    const lines: string[] = [];
    // The brackets; then a comma and a line's end with each row.
    let bytes = 4;
    for (const row of rows) {
      const line = JSON.stringify(row);
      bytes += Buffer.byteLength(line) + 2;
      if (bytes > this.#bytesMax) break;
      lines.push(line);
    }
    const left = rows.length - lines.length;
    if (left > 0) log.warn({ left }, `too many ${what}: some are not kept over a restart`);
    const draft = join(folder, `${name}.new`);
    await disk.remove(draft).catch((error: unknown) => {
      if (!(error instanceof DiskError && error.fault === 'missing')) throw error;
    });
    const file = await disk.open(draft, 'create');
    await file.write(0, [utf8(`[\n${lines.join(',\n')}\n]`)]);
    await file.sync();
    await file.close();
    await disk.rename(draft, join(folder, name));
  }
}

/** Of a text that was cut off. */
function wholeLines(text: string): unknown[] {
  const lines = text.split('\n').slice(1, -1);
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line.replace(/,$/, '')) as unknown];
    } catch {
      return [];
    }
  });
}
