/**
 * What an export writes one mailbox with, whatever the format.
 *
 * Runs in:   the CLI's process. Writes at once: nothing else waits.
 * Limits:    a folder's name has `nameBytesMax` at most: longer ones are cut, and told apart by a hash.
 * Invariant: below the folder that was asked for no link is followed, neither of folders nor of files: whose folder it
 *            is may not be who writes. No name of a mailbox is one that a file of an export has.
 */

import { hash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MailError } from '../../base/errors.ts';
import { isFolder, reasonOf } from './read-file.ts';

/** Below what file systems take: an ending, and that of a part, go behind it. */
const nameBytesMax = 230;
const hashLength = 12;

export interface ExportMailbox {
  readonly name: string;
  readonly uidValidity: number;
}

export interface WholeMessage {
  readonly uid: number;
  readonly internalMs: number;
  readonly flags: readonly string[];
  readonly bytes: Buffer;
}

export interface MailboxWriter {
  /** What is there already ends before this UID. */
  readonly firstUid: number;
  write(message: WholeMessage): void;
  close(): void;
}

/** A mailbox's name as one safe folder name: no separator, no leading dot, no control character. */
export function folderName(name: string): string {
  const escaped = name.replaceAll(/[/\\%\u0000-\u001f\u007f]/g, (character) =>
    encodeURIComponent(character),
  );
  // As `5.eml`, or the list beside it: by their endings files of an export are told from folders.
  const plain = escaped.replace(/\.(?=(?:eml|jsonl|json|mbox|mbx|part)$)/i, '%2E');
  return plain === '' ? '_' : fitting(plain.replace(/^\./, '%2E'));
}

/** The name, or as much of it as fits and a hash of it. */
export function fitting(name: string): string {
  if (Buffer.byteLength(name) <= nameBytesMax) return name;
  const start = Buffer.from(name).subarray(0, nameBytesMax - hashLength - 1);
  // Cut within a character, or within %XX: neither is left half.
  const whole = new TextDecoder().decode(start, { stream: true }).replace(/%[0-9A-F]?$/, '');
  return `${whole}~${hash('sha256', name).slice(0, hashLength)}`;
}

/** Made level by level below `root`. @throws MailError where something else is there */
export function folderBelow(root: string, levels: readonly string[]): string {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  let path = root;
  for (const level of levels) {
    path = join(path, level);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!isFolder(path)) throw new MailError('not-possible-now', `${path} is a link`);
  }
  return path;
}

/** A small file, there whole or not at all. */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.part`;
  rmSync(part, { force: true });
  writeFileSync(part, text, { mode: 0o600, flag: 'wx' });
  renameSync(part, path);
}

/** A file that is there whole or not at all, dated as the message. */
export function writeMessageFile(
  path: string,
  partPath: string,
  bytes: Uint8Array,
  internalMs: number,
): void {
  // Left by a run that was killed, or laid there: it is not written into.
  rmSync(partPath, { force: true });
  writeFileSync(partPath, bytes, { mode: 0o600, flag: 'wx' });
  utimesSync(partPath, internalMs / 1_000, internalMs / 1_000);
  renameSync(partPath, path);
}

/** What the system says of a file, as a fault of the command. */
export function atPath<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof MailError) throw cause;
    throw new MailError('not-possible-now', `${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** @throws MailError: a file or folder is there that no export of this mailbox made. */
export function refuseForeign(path: string): never {
  throw new MailError(
    'not-possible-now',
    `${path} is there, and not from an export of this mailbox: choose another folder`,
  );
}
