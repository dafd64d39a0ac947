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
import type { Vault } from '../vault/vault.ts';
import { decodeSideHeader, isSealedSide, sideHeaderBytes } from './format.ts';
import { SideOpener, sideSealBytes } from './sealed-side.ts';

const sliceBytesMax = mebibyte;

/** What the file says of its body; `undefined` where it was never finished, or is damaged. */
export async function readSideHeader(file: DiskFile, shard: number): Promise<SideBody | undefined> {
  return decodeSideHeader(view(await file.read(0, sideHeaderBytes)), shard);
}

/** What opens its body; undefined for one that is clear. @throws MailError where its key is gone */
export async function readSideOpener(
  file: DiskFile,
  shard: number,
  vault: Vault | undefined,
): Promise<SideOpener | undefined> {
  const bytes = view(await file.read(0, sideHeaderBytes + sideSealBytes));
  const side = decodeSideHeader(bytes.subarray(0, sideHeaderBytes), shard);
  if (side === undefined || !isSealedSide(bytes)) return undefined;
  if (bytes.length < sideHeaderBytes + sideSealBytes) return undefined;
  return new SideOpener(vault, shard, side, bytes.subarray(sideHeaderBytes));
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
