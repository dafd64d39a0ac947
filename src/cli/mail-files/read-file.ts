/**
 * Folders and files as they are read: one file with one message, and lists beside them.
 *
 * Runs in:   the CLI's process. Reads at once: four calls cost less than a promise each, and nothing else waits.
 * Limits:    a list is read up to `listBytesMax`.
 * Invariant: a link in place of a file is not followed: whose mail is read may not be who reads it, and would be given
 *            what that one can read. What is no plain file is not waited for.
 */

import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { basename } from 'node:path';
import { MailError } from '../../base/errors.ts';
import { mebibyte } from '../../base/units.ts';

/** Of a million messages and more. */
const listBytesMax = 500 * mebibyte;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

export interface MessageFile {
  readonly bytes: Buffer;
  readonly modifiedMs: number;
}

/** @throws the system's error; RangeError for a file over `bytesMax`, or none of bytes. */
export function readMessageFile(path: string, bytesMax: number): MessageFile {
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    const { size, mtimeMs } = stats;
    if (!stats.isFile()) throw new RangeError('no plain file');
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

/** "" where there is no such file, or none that may be read. */
export function readListFile(path: string): string {
  try {
    return readMessageFile(path, listBytesMax).bytes.toString('utf8');
  } catch {
    return '';
  }
}

/** A folder itself, and no link to one. */
export function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
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
