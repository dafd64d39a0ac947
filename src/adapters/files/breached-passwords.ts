/**
 * A list of breached passwords in a file: lines `SHA-1-in-hex[:count]`, sorted, as "Pwned Passwords" comes.
 *
 * Runs in:   main thread. A question reads some forty blocks of 256 octets, whatever the size of the file; nothing
 *            of it is kept.
 * Limits:    lines up to `lineBytesMax`.
 */

import { type FileHandle, open } from 'node:fs/promises';
import type { BreachedPasswords } from '../../ports/breached-passwords.ts';

const lineBytesMax = 128;
const blockBytes = 2 * lineBytesMax;
const pattern = /^[0-9A-F]{40}(?::\d+)?$/;

/** Rejects with what is wrong with the file's first line. */
export async function openBreachedPasswords(path: string): Promise<BreachedPasswords> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const line = (await lineAfter(file, 0, size))?.text ?? '';
    if (!pattern.test(line))
      throw new Error(`${path}: its first line is no SHA-1 in upper-case hex`);
  } finally {
    await file.close();
  }
  return {
    async has(sha1Hex) {
      await using opened = await open(path, 'r');
      const { size } = await opened.stat();
      return await find(opened, size, sha1Hex);
    },
  };
}

/** Invariant: a line that is `wanted` begins in [low, high). */
async function find(file: FileHandle, size: number, wanted: string): Promise<boolean> {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const line = await lineAfter(file, middle === 0 ? 0 : middle, size);
    if (line === undefined || line.from >= high) {
      high = middle;
      continue;
    }
    const hash = line.text.slice(0, 40);
    if (hash === wanted) return true;
    if (hash < wanted) low = line.to;
    else high = middle;
  }
  return false;
}

/** The first line that begins at `at` or after it; one that `at` is in the middle of is passed over. */
async function lineAfter(file: FileHandle, at: number, size: number) {
  // With the octet before, a line that begins just here is seen to.
  const start = Math.max(0, at - 1);
  const block = Buffer.alloc(blockBytes);
  const { bytesRead } = await file.read(block, 0, blockBytes, start);
  const text = block.toString('latin1', 0, bytesRead);
  const from = at === 0 ? 0 : text.indexOf('\n') + 1;
  if (at !== 0 && from === 0) return undefined;
  if (start + from >= size) return undefined;
  const end = text.indexOf('\n', from);
  const to = end < 0 ? text.length : end;
  return { text: text.slice(from, to).trimEnd(), from: start + from, to: start + to + 1 };
}
