/**
 * How far a migration is, in a file: what a run that was cut off, or a later one, need not read again.
 *
 * Runs in:   the CLI's process.
 * Invariant: a UID is noted when its message, and all before it, are on disk here. Without the file nothing is doubled:
 *            the server knows messages by their bytes.
 */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { MailError } from '../../base/errors.ts';
import { reasonOf } from '../mail-files/read-file.ts';

interface FolderPosition {
  readonly uidValidity: number;
  readonly uid: number;
}

interface Kept {
  readonly source: string;
  readonly folders: Readonly<Record<string, FolderPosition>>;
}

const everyMs = 1_000;

export class Position {
  readonly #path: string;
  readonly #source: string;
  readonly #folders: Map<string, FolderPosition>;
  #savedMs = 0;

  /** `source` names account and server. @throws MailError: the file is of another migration */
  constructor(path: string, source: string) {
    this.#path = path;
    this.#source = source;
    const kept = readKept(path);
    if (kept !== undefined && kept.source !== source) {
      throw new MailError('argument-invalid', `${path} is of another migration: ${kept.source}`);
    }
    this.#folders = new Map(Object.entries(kept?.folders ?? {}));
  }

  /** The last UID that is here; 0 where the folder over there is not the one it was. */
  of(folder: string, uidValidity: number): number {
    const position = this.#folders.get(folder);
    return position?.uidValidity === uidValidity ? position.uid : 0;
  }

  reached(folder: string, uidValidity: number, uid: number): void {
    this.#folders.set(folder, { uidValidity, uid });
    if (Date.now() - this.#savedMs >= everyMs) this.save();
  }

  /** @throws MailError */
  save(): void {
    this.#savedMs = Date.now();
    const kept: Kept = { source: this.#source, folders: Object.fromEntries(this.#folders) };
    const part = `${this.#path}.part`;
    try {
      writeFileSync(part, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
      renameSync(part, this.#path);
    } catch (cause) {
      throw new MailError('not-possible-now', `${this.#path}: ${reasonOf(cause)}`, { cause });
    }
  }
}

function readKept(path: string): Kept | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new MailError('not-possible-now', `${path}: ${reasonOf(cause)}`, { cause });
  }
  try {
    const { source, folders } = JSON.parse(text) as Partial<Kept>;
    if (typeof source === 'string' && typeof folders === 'object' && folders !== null) {
      return { source, folders };
    }
  } catch {
    // Said below.
  }
  throw new MailError('argument-invalid', `${path} is no position of a migration`);
}
