/** What a reader of event files sees: every line of every file, in the order of their names. */

import { Buffer } from 'node:buffer';
import type { Disk } from '../../src/ports/disk.ts';
import { DiskError } from '../../src/ports/disk.ts';

export interface JsonLine {
  readonly id: string;
  readonly message: string;
  readonly kind?: string;
  readonly cursor?: string;
}

/** @throws SyntaxError for a line that is not whole. */
export async function readJsonl(disk: Disk, folder: string): Promise<readonly JsonLine[]> {
  const lines: JsonLine[] = [];
  for (const name of await namesOf(disk, folder)) {
    const file = await disk.open(`${folder}/${name}`, 'read');
    const text = Buffer.from(await file.read(0, await file.size())).toString();
    await file.close();
    for (const line of text.split('\n').slice(0, -1)) lines.push(JSON.parse(line));
    if (!text.endsWith('\n') && text !== '') throw new SyntaxError(`${name} ends within a line`);
  }
  return lines;
}

export async function namesOf(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (error instanceof DiskError && error.fault === 'missing') return [];
    throw error;
  }
}
