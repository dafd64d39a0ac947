/**
 * Folders and files as they are read: one file with one message.
 *
 * Runs in:   the CLI's process. Reads at once: four calls cost less than a promise each, and nothing else waits.
 */

import { closeSync, type Dirent, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { MailError } from '../../base/errors.ts';

export interface MessageFile {
  readonly bytes: Buffer;
  readonly modifiedMs: number;
}

/** @throws the system's error; RangeError for a file over `bytesMax`. */
export function readMessageFile(path: string, bytesMax: number): MessageFile {
  const file = openSync(path, 'r');
  try {
    const { size, mtimeMs } = fstatSync(file);
    if (size > bytesMax) throw new RangeError(`over ${bytesMax} bytes`);
    const bytes = Buffer.allocUnsafe(size);
    let at = 0;
    while (at < size) {
      const count = readSync(file, bytes, at, size - at, at);
      if (count === 0) break;
      at += count;
    }
    return { bytes: bytes.subarray(0, at), modifiedMs: Math.round(mtimeMs) };
  } finally {
    closeSync(file);
  }
}

export function isEml(name: string): boolean {
  return /\.eml$/i.test(basename(name));
}

export function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    throw new MailError('not-found', `${path}: ${reasonOf(cause)}`, { cause });
  }
}

export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}
