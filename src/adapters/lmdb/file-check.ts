/**
 * Looks at an LMDB file before LMDB does: a damaged or cut one would end the process, not throw.
 *
 * Runs in:   the thread about to open it; reads two pages' heads, at once.
 * Limits:    knows the layout of lmdb-js 3 (format version 2); a file it does not know is taken for damaged.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

const magic = 0xbeef_c0de;
const formatVersion = 2;
const magicAt = 24;
const versionAt = 28;
const pageBytesAt = 48;
const lastPageAt = 144;
const transactionAt = 152;
const headBytes = 160;

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
}

/** Why the table in `folder` must not be opened; undefined for a sound or a new one. */
export function tableFault(folder: string): string | undefined {
  let file: number;
  try {
    file = openSync(join(folder, 'data.mdb'), 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : `cannot be read: ${code}`;
  }
  try {
    const { size } = fstatSync(file);
    if (size === 0) return undefined;
    const first = readMeta(file, 0);
    if (first === undefined) return 'no LMDB file';
    const second = readMeta(file, first.pageBytes);
    if (second === undefined) return 'its second page is damaged';
    const newest = first.transaction > second.transaction ? first : second;
    const needed = (newest.lastPage + 1) * newest.pageBytes;
    return size < needed ? `cut at ${size} of ${needed} bytes` : undefined;
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, position: number): Meta | undefined {
  const head = Buffer.alloc(headBytes);
  if (readSync(file, head, 0, headBytes, position) < headBytes) return undefined;
  if (head.readUInt32LE(magicAt) !== magic) return undefined;
  if (head.readUInt32LE(versionAt) !== formatVersion) return undefined;
  return {
    pageBytes: head.readUInt32LE(pageBytesAt),
    lastPage: Number(head.readBigUInt64LE(lastPageAt)),
    transaction: Number(head.readBigUInt64LE(transactionAt)),
  };
}
