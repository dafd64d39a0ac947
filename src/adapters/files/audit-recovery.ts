/**
 * Where an audit log ends that a kill, a power cut or a failed disk may have left in the middle of a write.
 *
 * Runs in:   main thread, before anything is appended.
 * Limits:    the last `tailBytes` of a file are read: more than one write can have left.
 * Invariant: only what cannot have been answered is cut: what is behind the last signed head and not sound. A bad line
 *            before a head is damage, stays for who looks into it, and the chain goes on behind the last sound one.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { mebibyte } from '../../base/units.ts';
import { type AuditEntry, AuditError, type AuditTip } from '../../ports/audit-log.ts';
import type { Disk, DiskFile } from '../../ports/disk.ts';
import { isSound, readLine } from '../audit/chain.ts';
import { type Line, linesOf, type Segment } from './audit-folder.ts';
import { writeSmall } from './small-file.ts';

export interface FoundEnd {
  /** Undefined: there is no entry. */
  readonly tip: AuditTip | undefined;
  /** The last segment, to go on with. */
  readonly open: { segment: Segment; file: DiskFile; beganMs: number; bytes: number } | undefined;
  readonly found: string;
}

const tailBytes = 4 * mebibyte;

/** `sealedTo`: entries up to this one were durable when a head was signed. @throws AuditError */
export async function findEnd(
  disk: Disk,
  folder: string,
  segments: readonly Segment[],
  sealedTo: number,
): Promise<FoundEnd> {
  const last = segments.at(-1);
  if (last === undefined) return { tip: undefined, open: undefined, found: '' };
  const before = segments.at(-2);
  // What a failed write left before the last segment's first is of nobody.
  const earlier = before && (await endOf(disk, folder, before, sealedTo, last.first - 1));
  const end = await endOf(disk, folder, last, sealedTo);
  const tip = end.tip ?? earlier?.tip;
  if (tip === undefined && last.first !== 1) {
    throw new AuditError(`${last.name} is damaged, and nothing before it is there`);
  }
  const file = await disk.open(join(folder, last.name), 'write');
  const cut = end.size - end.bytes;
  if (cut > 0) {
    // Kept beside it: if ever this was wrong, nothing is gone.
    const bytes = await file.read(end.bytes, cut);
    await writeSmall(disk, join(folder, `${last.name}.cut`), bytes);
    await file.truncate(end.bytes);
    await file.sync();
  }
  const found = [
    ...(cut > 0 ? [`${cut} bytes of a write that was not ended were cut off ${last.name}`] : []),
    ...(end.isDamaged ? [`${last.name} is damaged`] : []),
  ];
  const { beganMs, bytes } = end;
  return { tip, open: { segment: last, file, beganMs, bytes }, found: found.join('; ') };
}

interface SegmentEnd {
  readonly tip: AuditTip | undefined;
  readonly beganMs: number;
  /** Up to where it is to be kept. */
  readonly bytes: number;
  readonly size: number;
  readonly isDamaged: boolean;
}

async function endOf(
  disk: Disk,
  folder: string,
  { name, first }: Segment,
  sealedTo: number,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<SegmentEnd> {
  const path = join(folder, name);
  const { size, beganMs } = await factsOf(disk, path);
  const from = Math.max(0, size - tailBytes);
  let tip: AuditEntry | undefined;
  let bytes = from;
  let isDamaged = false;
  let isTorn = false;
  for await (const lines of linesOf(disk, path, from)) {
    for (const [index, line] of lines.entries()) {
      // In the middle of a line.
      if (from > 0 && line.at === from && index === 0) continue;
      const entry = soundEntry(line);
      if (entry !== undefined && entry.sequence > upTo) break;
      const isNext = entry !== undefined && (tip === undefined || entry.previous === tip.hash);
      if (!isNext) {
        // What is not sealed may be of a write that was not ended: its end, too, goes with it.
        isTorn ||= (tip?.sequence ?? first - 1) >= sealedTo;
        isDamaged ||= !isTorn;
      }
      if (isTorn || entry === undefined) continue;
      tip = entry;
      bytes = line.at + Buffer.byteLength(line.text) + 1;
    }
  }
  const place = tip && { sequence: tip.sequence, hash: tip.hash };
  return { tip: place, beganMs, bytes: tip === undefined ? 0 : bytes, size, isDamaged };
}

function soundEntry({ text, isEnded }: Line): AuditEntry | undefined {
  const entry = isEnded ? readLine(text) : undefined;
  return entry !== undefined && isSound(text, entry) ? entry : undefined;
}

async function factsOf(disk: Disk, path: string): Promise<{ size: number; beganMs: number }> {
  const file = await disk.open(path, 'read');
  const size = await file.size();
  await file.close();
  for await (const lines of linesOf(disk, path)) {
    return { size, beganMs: readLine(lines[0]!.text)?.atMs ?? 0 };
  }
  return { size, beganMs: 0 };
}
