/**
 * What an export writes one mailbox with, whatever the format.
 *
 * Runs in:   the CLI's process. Writes at once: nothing else waits.
 */

import { renameSync, utimesSync, writeFileSync } from 'node:fs';
import { MailError } from '../../base/errors.ts';
import { reasonOf } from './read-file.ts';

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
  return escaped === '' ? '_' : escaped.replace(/^\./, '%2E');
}

/** A file that is there whole or not at all, dated as the message. */
export function writeMessageFile(
  path: string,
  partPath: string,
  bytes: Uint8Array,
  internalMs: number,
): void {
  writeFileSync(partPath, bytes, { mode: 0o600 });
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
