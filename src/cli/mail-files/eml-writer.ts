/**
 * A mailbox as a folder of `UID.eml`, with a list of flags and dates beside them.
 *
 * Runs in:   the CLI's process.
 * Invariant: a file is there whole or not at all, and its line of the list is written before it.
 */

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { separator } from '../../mail/wire/imap/mailbox-name.ts';
import { listName } from './eml-source.ts';
import { entriesOf, readListFile } from './read-file.ts';
import {
  atPath,
  type ExportMailbox,
  folderBelow,
  folderName,
  type MailboxWriter,
  refuseForeign,
  type WholeMessage,
  writeMessageFile,
  writeWhole,
} from './writer.ts';

const { O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;

export function openEmlWriter(root: string, mailbox: ExportMailbox): MailboxWriter {
  const levels = mailbox.name.split(separator).map(folderName);
  return atPath(join(root, ...levels), () => new EmlWriter(folderBelow(root, levels), mailbox));
}

class EmlWriter implements MailboxWriter {
  readonly firstUid: number;
  readonly #folder: string;
  readonly #list: number;

  constructor(folder: string, mailbox: ExportMailbox) {
    this.#folder = folder;
    const list = join(folder, listName);
    const entries = entriesOf(folder);
    const files = entries.filter((entry) => entry.isFile());
    const uids = files.map(({ name }) => Number(/^(\d{1,10})\.eml$/.exec(name)?.[1] ?? 0));
    const head = JSON.stringify({ mailbox: mailbox.name, uidValidity: mailbox.uidValidity });
    const isNew = entries.every(({ name }) => name !== listName);
    if (isNew) {
      if (uids.some((uid) => uid > 0)) refuseForeign(folder);
      writeWhole(list, `${head}\n`);
    } else if (readListFile(list).split('\n', 1)[0] !== head) refuseForeign(list);
    this.firstUid = uids.reduce((most, uid) => Math.max(most, uid), 0) + 1;
    this.#list = openSync(list, O_WRONLY | O_APPEND | O_NOFOLLOW);
    // A run that was killed may have left half a line.
    if (!isNew) writeSync(this.#list, '\n');
  }

  write({ uid, internalMs, flags, bytes }: WholeMessage): void {
    const file = `${uid}.eml`;
    const path = join(this.#folder, file);
    atPath(path, () => {
      writeSync(this.#list, `${JSON.stringify({ file, internalMs, flags })}\n`);
      writeMessageFile(path, join(this.#folder, `.${file}.part`), bytes, internalMs);
    });
  }

  close(): void {
    closeSync(this.#list);
  }
}
