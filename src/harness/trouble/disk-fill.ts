/**
 * Fills the disk that a folder lies on until so many bytes are left, and gives all back.
 *
 * Runs in:   load generator, main thread. Linux (a file without a name keeps its room until it is closed).
 * Limits:    `size` bytes where the scenario gives it, and it must where the folder lies on the disk of `/`.
 * Invariant: the room comes back when this process ends, whatever ends it: the file has lost its name before its first
 *            byte is written.
 */

import { randomBytes } from 'node:crypto';
import { close, openSync, statfsSync, statSync, unlinkSync, write } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { failed, type Outcome } from './outcome.ts';

/** So little that a stop need not wait for it. */
const chunkBytes = 4 * 1024 * 1024;
const writeFile = promisify(write);
const closeFile = promisify(close);
const fullCodes: readonly string[] = ['ENOSPC', 'EDQUOT'];

export interface FillPlan {
  readonly folder: string;
  /** Free bytes that are left, as a process without privileges sees them. */
  readonly leaveBytes: number;
  readonly sizeBytesMax?: number;
}

/** Before a run of an hour, not in it: @throws a sentence where the disk must not, or cannot, be filled so. */
export function checkFill(plan: FillPlan): void {
  const { folder, leaveBytes, sizeBytesMax } = plan;
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) throw new Error(`fill ${folder}: there is no such folder`);
  const isOnRoot = found.dev === statSync('/').dev;
  if (isOnRoot && sizeBytesMax === undefined) {
    const hint = 'say "size", the most bytes that may be written';
    throw new Error(`fill ${folder}: it is on the disk of /, which all else needs: ${hint}`);
  }
  const free = freeBytes(statfsSync(folder));
  const needed = free - leaveBytes;
  if (sizeBytesMax !== undefined && needed > sizeBytesMax) {
    const sentence = `${free} bytes are free: to leave ${leaveBytes} takes ${needed}`;
    throw new Error(`fill ${folder}: ${sentence}, and "size" is ${sizeBytesMax}`);
  }
}

export class DiskFill {
  readonly #plan: FillPlan;
  #isEnding = false;

  constructor(plan: FillPlan) {
    this.#plan = plan;
  }

  /** Resolves when the disk is as full as it was to be, or `end` was called. */
  async fill(): Promise<Outcome> {
    try {
      checkFill(this.#plan);
      const descriptor = openNameless(this.#plan.folder);
      const undo = () => closeFile(descriptor);
      try {
        return { isDone: true, detail: `${await this.#write(descriptor)} bytes written`, undo };
      } catch (error) {
        return { ...failed((error as Error).message), undo };
      }
    } catch (error) {
      return failed((error as Error).message);
    }
  }

  /** Writes no more. */
  end(): void {
    this.#isEnding = true;
  }

  async #write(descriptor: number): Promise<number> {
    const { folder, leaveBytes, sizeBytesMax = Number.POSITIVE_INFINITY } = this.#plan;
    // A file system may keep zeros, or what compresses, without room for them.
    const chunk = randomBytes(chunkBytes);
    let written = 0;
    while (!this.#isEnding) {
      const free = freeBytes(await statfs(folder));
      const count = Math.min(free - leaveBytes, sizeBytesMax - written, chunkBytes);
      if (count <= 0) break;
      try {
        written += (await writeFile(descriptor, chunk, 0, count, written)).bytesWritten;
      } catch (error) {
        if (fullCodes.includes((error as NodeJS.ErrnoException).code ?? '')) break;
        throw error;
      }
    }
    return written;
  }
}

function openNameless(folder: string): number {
  const path = join(folder, `.chaski-load-fill-${process.pid}-${randomBytes(4).toString('hex')}`);
  const descriptor = openSync(path, 'wx', 0o600);
  unlinkSync(path);
  return descriptor;
}

function freeBytes({ bavail, bsize }: { readonly bavail: number; readonly bsize: number }): number {
  return bavail * bsize;
}
