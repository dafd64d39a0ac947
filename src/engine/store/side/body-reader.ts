/**
 * Reads a side segment's body whole, or only to see that it is what was written.
 *
 * Runs in:   engine threads and offline commands.
 * Limits:    `sliceBytesMax` at a time, so that other work passes between.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';
import { view } from '../../../base/bytes.ts';
import { mebibyte } from '../../../base/units.ts';
import type { DiskFile } from '../../../ports/disk.ts';
import type { SideBody } from '../record.ts';
import { decodeSideHeader, sideHeaderBytes } from './format.ts';

const sliceBytesMax = mebibyte;

/** What the file says of its body; `undefined` where it was never finished, or is damaged. */
export async function readSideHeader(file: DiskFile, shard: number): Promise<SideBody | undefined> {
  return decodeSideHeader(view(await file.read(0, sideHeaderBytes)), shard);
}

/** The body; `undefined` where the bytes are not what was written. */
export async function readSideBody(
  file: DiskFile,
  side: SideBody,
): Promise<Uint8Array | undefined> {
  const whole = Buffer.allocUnsafeSlow(side.bodyBytes);
  const isRight = await eachSlice(file, side, (slice, at) => whole.set(slice, at));
  return isRight ? whole : undefined;
}

export function isSideBodyRight(file: DiskFile, side: SideBody): Promise<boolean> {
  return eachSlice(file, side, () => {});
}

async function eachSlice(
  file: DiskFile,
  { bodyOffset, bodyBytes, frontBytes, frontCrc, restCrc }: SideBody,
  see: (slice: Uint8Array, at: number) => void,
): Promise<boolean> {
  let at = 0;
  for (const [end, wanted] of [
    [frontBytes, frontCrc],
    [bodyBytes, restCrc],
  ] as const) {
    let crc = 0;
    while (at < end) {
      const slice = await file.read(bodyOffset + at, Math.min(sliceBytesMax, end - at));
      if (slice.byteLength === 0) return false;
      crc = crc32c(slice, crc);
      see(slice, at);
      at += slice.byteLength;
    }
    if (crc !== wanted) return false;
  }
  return true;
}
