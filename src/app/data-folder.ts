/**
 * The data folder: made once, with the number of shards it keeps for life, and locked by one process.
 *
 * Runs in:   main thread, and offline commands.
 * Invariant: `store.json` is written and synced before the first shard is opened; nobody changes it afterwards.
 */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writeSmall } from '../adapters/files/small-file.ts';
import type { DataLock } from '../adapters/node/data-lock.ts';
import { takeDataLock } from '../adapters/node/data-lock.ts';
import { latin1, view } from '../base/bytes.ts';
import { MailError } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import { DiskError } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';

const formatVersion = 1;
const storeFile = 'store.json';
const storeBytesMax = 4_096;

export interface DataFolder extends AsyncDisposable {
  readonly path: string;
  readonly shards: number;
  /** Made by this opening: nobody has used it before. */
  readonly isNew: boolean;
}

export interface DataFolderRequest {
  readonly path: string;
  /** From settings; 0 lets the folder keep its number, or a new one take the default. */
  readonly shards: number;
  readonly disk: Disk;
  readonly random: Random;
}

interface StoreIdentity {
  readonly format: number;
  readonly shards: number;
  /** Of this folder and no other: hex of 16 random bytes. */
  readonly id: string;
}

/** @throws MailError `not-possible-now` when another process has it, `argument-invalid` when settings contradict it. */
export async function openDataFolder(request: DataFolderRequest): Promise<DataFolder> {
  const answer = await takeDataLock(request.path);
  if (!answer.ok) throw new MailError('not-possible-now', answer.detail);
  try {
    return await openLocked(request, answer.lock);
  } catch (error) {
    await answer.lock.release();
    throw error;
  }
}

async function openLocked(request: DataFolderRequest, lock: DataLock): Promise<DataFolder> {
  const { path, disk } = request;
  const found = await readIdentity(disk, join(path, storeFile));
  const identity = found ?? (await makeIdentity(request));
  if (request.shards !== 0 && request.shards !== identity.shards) {
    throw new MailError(
      'argument-invalid',
      `shards = ${request.shards}, but ${path} was made with ${identity.shards} and keeps them for life`,
    );
  }
  return {
    path,
    shards: identity.shards,
    isNew: found === undefined,
    [Symbol.asyncDispose]: () => lock.release(),
  };
}

async function readIdentity(disk: Disk, file: string): Promise<StoreIdentity | undefined> {
  let text: string;
  try {
    const opened = await disk.open(file, 'read');
    text = view(await opened.read(0, storeBytesMax)).toString('utf8');
    await opened.close();
  } catch (error) {
    if (error instanceof DiskError && error.fault === 'missing') return undefined;
    throw error;
  }
  const identity = parseIdentity(text);
  if (identity === undefined) throw new MailError('argument-invalid', `${file} is damaged`);
  if (identity.format !== formatVersion) {
    throw new MailError(
      'argument-invalid',
      `${file}: format ${identity.format} is not ours (${formatVersion})`,
    );
  }
  return identity;
}

function parseIdentity(text: string): StoreIdentity | undefined {
  try {
    const identity = JSON.parse(text) as StoreIdentity;
    return Number.isSafeInteger(identity.shards) && identity.shards > 0 ? identity : undefined;
  } catch {
    return undefined;
  }
}

async function makeIdentity({
  path,
  shards,
  disk,
  random,
}: DataFolderRequest): Promise<StoreIdentity> {
  await refuseForeign(disk, path);
  const identity: StoreIdentity = {
    format: formatVersion,
    shards: shards === 0 ? defaultShards() : shards,
    id: view(random.bytes(16)).toString('hex'),
  };
  const text = `${JSON.stringify(identity, null, 2)}\n`;
  await writeSmall(disk, join(path, storeFile), latin1(text));
  return identity;
}

/** Mail without the file that says how many shards it is spread over: a new file could say otherwise. */
async function refuseForeign(disk: Disk, path: string): Promise<void> {
  const names = await disk.list(path);
  const found = ['shards', 'directory'].filter((name) => names.includes(name));
  if (found.length === 0) return;
  throw new MailError(
    'argument-invalid',
    `${path} has ${found.join(' and ')} but no ${storeFile}: put that file back from a backup`,
  );
}

/** Two per core, 4 to 64: room to spread accounts over threads that come later, and groups worth a sync. */
function defaultShards(): number {
  return Math.min(64, Math.max(4, 2 * availableParallelism()));
}
