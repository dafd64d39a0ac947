/**
 * The audit log in files that are only appended to: segments of JSON lines in a folder.
 *
 * Runs in:   main thread. Implements `ports/audit-log.ts` over the port Disk.
 * Limits:    entries that wait: `waitingMax`; a write holds the batches that fit into `writeBytesMax`, one at least. A
 *            segment takes no more once it has `segmentBytesMax` or is `segmentMsMax` old.
 * Invariant: nothing is written behind a write that is not synced, so at most the last one can be torn. A file that
 *            failed is written no more: what was durable of it stays, and the chain goes on in the next. The last entry
 *            of a segment has a signed head before the next segment is begun.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { mebibyte } from '../../base/units.ts';
import {
  type AuditEntry,
  AuditError,
  type AuditFacts,
  type AuditLog,
  type AuditRange,
  type AuditTip,
} from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Disk, DiskError, type DiskFile } from '../../ports/disk.ts';
import type { Random } from '../../ports/random.ts';
import { chained, genesisOf, isInRange, readLine } from '../audit/chain.ts';
import {
  linesOf,
  logFile,
  readLogId,
  type Segment,
  segmentOf,
  segmentsIn,
} from './audit-folder.ts';
import { AuditHeads } from './audit-heads.ts';
import { type FoundEnd, findEnd } from './audit-recovery.ts';
import { ifThere, writeSmall } from './small-file.ts';

export interface FilesAuditLogOptions {
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly random: Pick<Random, 'bytes'>;
  readonly folder: string;
  readonly segmentBytesMax: number;
  readonly segmentMsMax: number;
}

export const waitingMax = 20_000;
/** Of one batch: what a kill can tear is bounded by it. */
export const batchMax = 64;
const writeBytesMax = mebibyte;
const idBytes = 16;

interface Waiting {
  readonly batch: readonly AuditFacts[];
  resolve(entries: readonly AuditEntry[]): void;
  reject(error: AuditError): void;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly file: DiskFile;
  readonly beganMs: number;
  /** All of it is durable. */
  bytes: number;
}

export class FilesAuditLog implements AuditLog {
  readonly id: string;
  readonly heads: AuditHeads;
  /** What the opening cut off, or found damaged; "" for nothing. */
  readonly found: string;
  readonly counts = { syncs: 0, entries: 0, failures: 0 };
  readonly #options: FilesAuditLogOptions;
  readonly #waiting: Waiting[] = [];
  #waitingCount = 0;
  #tip: AuditTip;
  #open: OpenSegment | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: FilesAuditLogOptions, heads: AuditHeads, id: string, end: FoundEnd) {
    this.#options = options;
    this.heads = heads;
    this.id = id;
    this.found = end.found;
    this.#tip = end.tip ?? { sequence: 0, hash: genesisOf(id) };
    this.#open = end.open;
  }

  /** Cuts off what a kill left of the last write. @throws AuditError */
  static async open(options: FilesAuditLogOptions): Promise<FilesAuditLog> {
    const { disk, folder } = options;
    try {
      await disk.makeFolder(folder);
      await disk.syncFolder(join(folder, '..'));
      const segments = await segmentsIn(disk, folder);
      const id = (await readLogId(disk, folder)) ?? (await makeId(options, segments));
      const heads = await AuditHeads.open({ ...options, id });
      for (const { first } of segments) heads.noteEnd(first - 1);
      const end = await findEnd(disk, folder, segments, heads.last?.sequence ?? 0);
      return new FilesAuditLog(options, heads, id, end);
    } catch (error) {
      throw asAuditError(error);
    }
  }

  get tip(): AuditTip {
    return this.#tip;
  }

  append(batch: readonly AuditFacts[]): Promise<readonly AuditEntry[]> {
    assert(batch.length <= batchMax, `a batch of ${batch.length} entries`);
    const { promise, resolve, reject } = Promise.withResolvers<readonly AuditEntry[]>();
    if (this.#isClosed) return Promise.reject(new AuditError('the audit log is closed'));
    if (this.#waitingCount + batch.length > waitingMax) {
      return Promise.reject(new AuditError('too many entries wait for the audit log'));
    }
    this.#waiting.push({ batch, resolve, reject });
    this.#waitingCount += batch.length;
    this.#running ??= this.#run();
    return promise;
  }

  async *read(range: AuditRange): AsyncIterable<AuditEntry> {
    const { disk, folder } = this.#options;
    const { sequence: last } = this.#tip;
    const from = (range.afterSequence ?? 0) + 1;
    const segments = await segmentsIn(disk, folder);
    for (const [index, { name, first }] of segments.entries()) {
      const next = segments[index + 1]?.first ?? last + 1;
      if (next <= from) continue;
      for await (const lines of linesOf(disk, join(folder, name))) {
        for (const { text } of lines) {
          const entry = isTooEarly(text, range) ? undefined : readLine(text);
          if (entry === undefined || !isInRange(entry, range)) continue;
          // A failed write may have left more than the chain goes on behind.
          if (entry.sequence < Math.min(next, last + 1)) yield entry;
        }
      }
      if (first > last) return;
    }
  }

  /** Segments go whole, and only behind a signed head: what stays can be checked from there on. */
  async trim(bounds: { beforeMs?: number; bytesMax?: number }) {
    const { disk, folder } = this.#options;
    const { beforeMs = -Infinity, bytesMax = Infinity } = bounds;
    const segments = await segmentsIn(disk, folder);
    const sizes = await Promise.all(segments.map(({ name }) => sizeOf(disk, join(folder, name))));
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    let goes = 0;
    // Of the last two one may be empty yet.
    for (let index = 0; index < segments.length - 2; index++) {
      const next = segments[index + 1]!;
      const entry = await firstEntry(disk, join(folder, next.name));
      const isOld = entry !== undefined && entry.atMs < beforeMs;
      if (!isOld && bytes <= bytesMax) break;
      bytes -= sizes[index]!;
      if (entry !== undefined && this.heads.hashAt(next.first - 1) === entry.previous) {
        goes = index + 1;
      }
    }
    const forgottenTo = (segments[goes]?.first ?? 1) - 1;
    for (const { name } of segments.slice(0, goes)) {
      await ifThere(() => disk.remove(join(folder, name)));
    }
    if (goes > 0) {
      await disk.syncFolder(folder);
      await this.heads.forget(forgottenTo);
    }
    return { forgottenTo };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { jobs, lines, tip } = this.#take();
      if (jobs.length === 0) continue;
      try {
        await this.#write(lines, jobs[0]!.entries[0]!);
        this.#tip = tip;
        this.counts.entries += lines.length;
        for (const { waiting, entries } of jobs) waiting.resolve(entries);
      } catch (error) {
        this.counts.failures++;
        await this.#giveUp();
        const told = asAuditError(error);
        for (const { waiting } of jobs) waiting.reject(told);
      }
    }
    this.#running = undefined;
  }

  /** What waits, as far as it fits into a write, behind the last durable entry. */
  #take() {
    const { clock } = this.#options;
    const jobs: { readonly waiting: Waiting; readonly entries: AuditEntry[] }[] = [];
    const lines: string[] = [];
    let { sequence, hash } = this.#tip;
    let bytes = 0;
    while (this.#waiting.length > 0 && bytes < writeBytesMax) {
      const waiting = this.#waiting.shift()!;
      this.#waitingCount -= waiting.batch.length;
      const entries = waiting.batch.map((facts) => {
        const place = { sequence: sequence + 1, atMs: clock.nowMs(), previous: hash };
        const { entry, line } = chained(facts, place);
        ({ sequence, hash } = entry);
        bytes += Buffer.byteLength(line) + 1;
        lines.push(line);
        return entry;
      });
      if (entries.length > 0) jobs.push({ waiting, entries });
      else waiting.resolve([]);
    }
    return { jobs, lines, tip: { sequence, hash } };
  }

  async #write(lines: readonly string[], first: AuditEntry): Promise<void> {
    if (this.#open !== undefined && this.#isOver(this.#open, first.atMs)) await this.#endSegment();
    this.#open ??= await this.#begin(first);
    const { file, bytes } = this.#open;
    const written = Buffer.from(`${lines.join('\n')}\n`);
    await file.write(bytes, [written]);
    await file.sync();
    this.counts.syncs++;
    this.#open.bytes += written.length;
  }

  #isOver({ bytes, beganMs }: OpenSegment, nowMs: number): boolean {
    const { segmentBytesMax, segmentMsMax } = this.#options;
    return bytes >= segmentBytesMax || (bytes > 0 && nowMs - beganMs >= segmentMsMax);
  }

  async #endSegment(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  async #begin({ sequence, atMs }: AuditEntry): Promise<OpenSegment> {
    const { disk, folder } = this.#options;
    if (this.heads.last?.sequence !== this.#tip.sequence) {
      await this.heads.keep(this.heads.sign(this.#tip));
    }
    this.heads.noteEnd(this.#tip.sequence);
    const segment = segmentOf(sequence);
    const path = join(folder, segment.name);
    // Left by a write that failed: nothing of it was answered.
    await ifThere(() => disk.remove(path));
    const file = await disk.open(path, 'create');
    this.#open = { segment, file, beganMs: atMs, bytes: 0 };
    await disk.syncFolder(folder);
    return this.#open;
  }

  /** What was durable stays; all else is unknown, and goes as far as the disk lets it. */
  async #giveUp(): Promise<void> {
    const { disk, folder } = this.#options;
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    try {
      if (open.bytes === 0) await disk.remove(join(folder, open.segment.name));
      else await open.file.truncate(open.bytes);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
    await open.file.close().catch(() => {});
  }
}

/** A log that has entries keeps the id they were begun with. @throws AuditError */
async function makeId(
  { disk, folder, random }: FilesAuditLogOptions,
  segments: readonly Segment[],
): Promise<string> {
  if (segments.length > 0) {
    throw new AuditError(`${folder} has entries but no ${logFile}: put it back from a backup`);
  }
  const id = Buffer.from(random.bytes(idBytes)).toString('hex');
  const text = `${JSON.stringify({ format: 1, id })}\n`;
  await writeSmall(disk, join(folder, logFile), Buffer.from(text));
  return id;
}

/** Without reading all of it: entries that are not asked for are most of a log. */
function isTooEarly(line: string, { afterMs }: AuditRange): boolean {
  if (afterMs === undefined) return false;
  const at = line.indexOf('"at":"');
  return at >= 0 && line.slice(at + 6, at + 30) < new Date(afterMs).toISOString();
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const size = await ifThere(async () => {
    const file = await disk.open(path, 'read');
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  });
  return size ?? 0;
}

async function firstEntry(disk: Disk, path: string): Promise<AuditEntry | undefined> {
  for await (const [line] of linesOf(disk, path)) return readLine(line!.text);
  return undefined;
}

function asAuditError(error: unknown): AuditError {
  if (error instanceof AuditError) return error;
  if (!(error instanceof DiskError)) throw error;
  return new AuditError(`the audit log cannot be written: ${error.message}`, { cause: error });
}
