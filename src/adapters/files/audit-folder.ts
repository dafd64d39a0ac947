/**
 * What the files of an audit log are called, and what it takes to read them: for the log itself, and for those who
 * check a copy of it.
 *
 *     log.json                   the log's id
 *     0000000000000001.jsonl     a segment: entries, a line each, the first of them by its sequence in the name
 *     heads.jsonl                keys and signed heads
 *     head.key                   the seed of the key that signs now; secret
 *
 * Runs in:   main thread, and the CLI's process.
 * Limits:    `pieceBytes` are read at a time; a line of more than `lineBytesMax` is none.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import type { Disk } from '../../ports/disk.ts';
import { ifThere, readSmall } from './small-file.ts';

export const logFile = 'log.json';
export const headsFile = 'heads.jsonl';
export const keyFile = 'head.key';

const pieceBytes = 262_144;
const lineBytesMax = 65_536;
const nameForm = /^(\d{16})\.jsonl$/;
const idForm = /^[0-9a-f]{32}$/;
const newline = 0x0a;

export interface Segment {
  readonly name: string;
  /** Sequence of its first entry. */
  readonly first: number;
}

export function segmentOf(first: number): Segment {
  return { name: `${String(first).padStart(16, '0')}.jsonl`, first };
}

/** The oldest first. */
export async function segmentsIn(disk: Disk, folder: string): Promise<readonly Segment[]> {
  return (await disk.list(folder)).flatMap((name) => {
    const match = nameForm.exec(name);
    return match === null ? [] : [{ name, first: Number(match[1]) }];
  });
}

/** Undefined: there is no such file, or it says no id. */
export async function readLogId(disk: Disk, folder: string): Promise<string | undefined> {
  const bytes = await readSmall(disk, join(folder, logFile));
  try {
    const { id } = JSON.parse(Buffer.from(bytes ?? []).toString()) as { id?: unknown };
    return typeof id === 'string' && idForm.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

export interface Line {
  readonly text: string;
  /** Where it begins in the file. */
  readonly at: number;
  /** It ends with a newline. */
  readonly isEnded: boolean;
}

/** Lines of a file from `at` on, a piece at a time; nothing where it is not there. */
export async function* linesOf(disk: Disk, path: string, at = 0): AsyncIterable<readonly Line[]> {
  const file = await ifThere(() => disk.open(path, 'read'));
  if (file === undefined) return;
  try {
    let rest = Buffer.alloc(0);
    let position = at;
    for (;;) {
      const piece = await file.read(position + rest.length, pieceBytes);
      const bytes = Buffer.concat([rest, piece]);
      const { lines, used } = splitLines(bytes, position);
      const isLast = piece.length === 0;
      if (isLast && bytes.length > 0) {
        lines.push({ text: bytes.toString(), at: position, isEnded: false });
      }
      if (lines.length > 0) yield lines;
      if (isLast) return;
      position += used;
      // Without its end in sight it is no line of ours: what was read of it is passed over.
      rest = Buffer.from(bytes.subarray(used));
      if (rest.length <= lineBytesMax) continue;
      yield [{ text: '', at: position, isEnded: false }];
      position += rest.length;
      rest = Buffer.alloc(0);
    }
  } finally {
    await file.close();
  }
}

function splitLines(bytes: Buffer, position: number): { lines: Line[]; used: number } {
  const lines: Line[] = [];
  let used = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, used)) {
    lines.push({ text: bytes.toString('utf8', used, end), at: position + used, isEnded: true });
    used = end + 1;
  }
  return { lines, used };
}
