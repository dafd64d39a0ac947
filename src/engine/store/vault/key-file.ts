/**
 * The file of one encrypted account's wrapped data keys, written so that what was in it can be destroyed.
 *
 * Runs in:   engine threads and offline commands.
 * Limits:    two slots of `slotBytes`; a file is never longer, shorter, or another file than it was made as.
 * Invariant: a change is written to the slot that is not in use and synced, then the other is zeroed and synced: one of
 *            them is whole at any instant, and no copy of old keys stays behind in blocks that the file let go.
 *            Both zero: shredded.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';
import { view } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { kibibyte } from '../../../base/units.ts';
import { type Disk, DiskError, type DiskFile } from '../../../ports/disk.ts';

const slotBytes = 4 * kibibyte;
const magic = 0x4b43_4b56; // "VKCK" as stored
const headBytes = 16;

export interface WrappedKey {
  readonly version: number;
  /** Base64, as the key source wrapped it. */
  readonly wrapped: string;
}

/** What an account's file says. */
export interface KeyFile {
  readonly account: number;
  /** Of its tenant's key, as the key source knows it. */
  readonly reference: string;
  /** Oldest first. */
  readonly keys: readonly WrappedKey[];
}

export type FoundKeyFile = KeyFile | 'shredded' | 'damaged';

/** Makes an account's file; on disk with its name when this resolves. @throws DiskError `exists` */
export async function createKeyFile(
  disk: Disk,
  folder: string,
  name: string,
  content: KeyFile,
): Promise<void> {
  if ((await disk.list(folder)).includes(name)) throw new DiskError('exists', `${folder}/${name}`);
  await placeFile(disk, folder, name, [encode(content, 1), Buffer.alloc(slotBytes)]);
}

/**
 * Whole before it has its name: a cut of power leaves no file of zeros, which would say that keys were destroyed. What
 * a draft of before holds, nothing was sealed by.
 */
async function placeFile(
  disk: Disk,
  folder: string,
  name: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  const path = `${folder}/${name}`;
  const draft = `${path}.new`;
  if ((await disk.list(folder)).includes(`${name}.new`)) await disk.remove(draft);
  const file = await disk.open(draft, 'create');
  try {
    await file.write(0, parts);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, path);
  await disk.syncFolder(folder);
}

export async function readKeyFile(disk: Disk, path: string): Promise<FoundKeyFile> {
  return withFile(disk, path, 'read', async (file) => {
    const { bytes, newest } = await slotsOf(file);
    if (newest !== undefined) return newest.content;
    return bytes.length === 2 * slotBytes && bytes.every((byte) => byte === 0)
      ? 'shredded'
      : 'damaged';
  });
}

/** Puts other keys into a file. What stood there is destroyed when this resolves. @throws MailError, DiskError */
export function replaceKeyFile(disk: Disk, path: string, content: KeyFile): Promise<void> {
  return withFile(disk, path, 'write', async (file) => {
    const { newest } = await slotsOf(file);
    if (newest === undefined) throw new MailError('not-possible-now', `${path} holds no keys`);
    const bytes = encode(content, newest.generation + 1);
    await file.write(slotBytes - newest.at, [bytes]);
    await file.sync();
    await file.write(newest.at, [Buffer.alloc(slotBytes)]);
    await file.sync();
  });
}

/** Destroys all keys of a file; it stays, and says so. One that was lost is made, to say so. */
export async function shredKeyFile(disk: Disk, folder: string, name: string): Promise<void> {
  const zeros = Buffer.alloc(2 * slotBytes);
  if (!(await disk.list(folder)).includes(name)) {
    await placeFile(disk, folder, name, [zeros]);
    return;
  }
  await withFile(disk, `${folder}/${name}`, 'write', async (file) => {
    await file.write(0, [zeros]);
    await file.sync();
  });
}

async function withFile<T>(
  disk: Disk,
  path: string,
  mode: 'read' | 'write',
  use: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(path, mode);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

interface Slot {
  readonly at: number;
  readonly generation: number;
  readonly content: KeyFile;
}

async function slotsOf(file: DiskFile): Promise<{ bytes: Buffer; newest: Slot | undefined }> {
  const bytes = view(await file.read(0, 2 * slotBytes));
  let newest: Slot | undefined;
  for (const at of [0, slotBytes]) {
    const slot = slotAt(bytes, at);
    if (slot !== undefined && slot.generation > (newest?.generation ?? 0)) newest = slot;
  }
  return { bytes, newest };
}

function slotAt(bytes: Buffer, at: number): Slot | undefined {
  if (bytes.length < at + slotBytes || bytes.readUInt32LE(at) !== magic) return undefined;
  const length = bytes.readUInt32LE(at + 8);
  if (length > slotBytes - headBytes) return undefined;
  const text = bytes.subarray(at + headBytes, at + headBytes + length);
  const generation = bytes.readUInt32LE(at + 4);
  if (crc32c(text, generation) !== bytes.readUInt32LE(at + 12)) return undefined;
  return { at, generation, content: JSON.parse(text.toString('utf8')) as KeyFile };
}

/** A slot, zeros at its end. @throws MailError where it does not fit */
function encode(content: KeyFile, generation: number): Buffer {
  const text = Buffer.from(JSON.stringify(content), 'utf8');
  if (text.length > slotBytes - headBytes) {
    throw new MailError('not-possible-now', `account ${content.account} has too many data keys`);
  }
  const slot = Buffer.alloc(slotBytes);
  slot.writeUInt32LE(magic, 0);
  slot.writeUInt32LE(generation, 4);
  slot.writeUInt32LE(text.length, 8);
  slot.writeUInt32LE(crc32c(text, generation), 12);
  text.copy(slot, headBytes);
  return slot;
}
