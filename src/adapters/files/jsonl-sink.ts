/**
 * Events as lines of JSON in a row of files: what `chaski events --json` prints, an event a line and the cursor behind
 * those it covers.
 *
 * Runs in:   main thread. Implements `ports/event-sink.ts` over the port Disk.
 * Limits:    a file takes no more once it has `bytesMax` or is `ageMsMax` old; `filesMax` files, the oldest go first,
 *            and only for one that has events.
 * Invariant: every line is whole: what a kill, a power cut or a failed write left of an append is cut off before the
 *            next. Names sort in the order of what is in them; a file that is not the last is written no more.
 */

import { Buffer } from 'node:buffer';
import { dirname } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { type Disk, DiskError, type DiskFile } from '../../ports/disk.ts';
import { type EventSink, SinkError, type SinkEvent } from '../../ports/event-sink.ts';

export interface JsonlSinkOptions {
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly folder: string;
  readonly bytesMax: number;
  readonly ageMsMax: number;
  readonly filesMax: number;
}

/** `0000000001-20260131T120000Z.jsonl`: its number, and when it was begun. */
const nameForm = /^(\d{10})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.jsonl$/;
/** The end of a file is read in steps of four times more, up to this; a longer append is left as it is. */
const tailBytesMin = 65_536;
const tailBytesMax = 64 * 1_048_576;
const cursorLine = '\n{"cursor":';

interface OpenFile {
  readonly file: DiskFile;
  readonly beganMs: number;
  /** All of it is durable, in whole lines. */
  bytes: number;
}

export class JsonlSink implements EventSink {
  readonly #options: JsonlSinkOptions;
  #open: OpenFile | undefined;
  #isFailed = false;
  #bytes = 0;

  constructor(options: JsonlSinkOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(events: readonly SinkEvent[], cursor: string): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.#append(linesOf(events, cursor));
    } catch (error) {
      await this.#giveUp();
      if (!(error instanceof DiskError)) throw error;
      throw new SinkError(error.message, { cause: error });
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close().catch(() => {});
  }

  async #append(lines: Buffer): Promise<void> {
    if (!this.#isFailed) this.#open ??= await this.#last();
    if (this.#open !== undefined && this.#isOver(this.#open)) await this.close();
    this.#open ??= await this.#next();
    const { file, bytes } = this.#open;
    await file.write(bytes, [lines]);
    await file.sync();
    this.#open.bytes += lines.length;
    this.#bytes += lines.length;
    this.#isFailed = false;
    if (bytes === 0) await this.#removeOld();
  }

  /** A file that failed is written no more; nothing is left where there was nothing. */
  async #giveUp(): Promise<void> {
    const open = this.#open;
    this.#isFailed = true;
    try {
      if (open?.bytes === 0) await this.#options.disk.remove(open.file.path);
      else await open?.file.truncate(open.bytes);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
    await this.close();
  }

  #isOver({ bytes, beganMs }: OpenFile): boolean {
    const { bytesMax, ageMsMax, clock } = this.#options;
    return bytes >= bytesMax || clock.nowMs() - beganMs >= ageMsMax;
  }

  /** The newest there is, without what is left of an append. */
  async #last(): Promise<OpenFile | undefined> {
    const { disk, folder } = this.#options;
    await disk.makeFolder(folder);
    const name = (await this.#names()).at(-1);
    if (name === undefined) return undefined;
    const file = await disk.open(`${folder}/${name}`, 'write');
    try {
      const size = await file.size();
      const bytes = await endOfWhole(file, size);
      if (bytes === undefined) {
        await file.close();
        return undefined;
      }
      if (bytes < size) await file.truncate(bytes);
      await file.sync();
      return { file, bytes, beganMs: beganMsOf(name) };
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  async #next(): Promise<OpenFile> {
    const { disk, folder, clock } = this.#options;
    await disk.makeFolder(folder);
    const number = Number((await this.#names()).at(-1)?.slice(0, 10) ?? 0) + 1;
    const beganMs = clock.nowMs();
    const file = await disk.open(`${folder}/${nameOf(number, beganMs)}`, 'create');
    this.#open = { file, bytes: 0, beganMs };
    await disk.syncFolder(folder);
    await disk.syncFolder(dirname(folder));
    return this.#open;
  }

  async #removeOld(): Promise<void> {
    const { disk, folder, filesMax } = this.#options;
    const names = await this.#names();
    const tooMany = names.slice(0, Math.max(0, names.length - filesMax));
    for (const name of tooMany) await disk.remove(`${folder}/${name}`);
  }

  /** The oldest first. */
  async #names(): Promise<readonly string[]> {
    const { disk, folder } = this.#options;
    return (await disk.list(folder)).filter((name) => nameForm.test(name));
  }
}

function linesOf(events: readonly SinkEvent[], cursor: string): Buffer {
  const lines = events.map((event) => JSON.stringify(event));
  lines.push(JSON.stringify({ cursor }), '');
  return Buffer.from(lines.join('\n'));
}

function nameOf(number: number, beganMs: number): string {
  const [instant] = new Date(beganMs).toISOString().replace(/[-:]/g, '').split('.');
  return `${String(number).padStart(10, '0')}-${instant}Z.jsonl`;
}

function beganMsOf(name: string): number {
  const [year, month, ...rest] = nameForm.exec(name)!.slice(2).map(Number);
  return Date.UTC(year!, month! - 1, ...rest);
}

/**
 * Behind the last append that is whole. All before it was synced; of the last one a power cut may have kept any part,
 * so its lines are read. Undefined: it is too long for that, and another file is begun.
 */
async function endOfWhole(file: DiskFile, size: number): Promise<number | undefined> {
  for (let length = tailBytesMin; length <= tailBytesMax; length *= 4) {
    const from = Math.max(0, size - length);
    const tail = Buffer.from(await file.read(from, size - from));
    const end = cursorEnd(tail, tail.length);
    const before = cursorEnd(tail, end - 1);
    if (before === 0 && from > 0) continue;
    return from + (isWhole(tail.subarray(before, end)) ? end : before);
  }
  return undefined;
}

/** Behind the last line with a cursor that ends before `limit`; 0: there is none. */
function cursorEnd(tail: Buffer, limit: number): number {
  for (let at = limit; at > 0; ) {
    at = tail.subarray(0, at).lastIndexOf(cursorLine);
    if (at < 0) return 0;
    const end = tail.indexOf('\n', at + 1) + 1;
    if (end > 0 && end <= limit) return end;
  }
  return 0;
}

function isWhole(lines: Buffer): boolean {
  try {
    for (const line of lines.toString().split('\n')) if (line !== '') JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
