/**
 * A mailbox as a folder of `UID.eml`, with a list of flags and dates beside them.
 *
 * Runs in:   the CLI's process.
 * Invariant: a file is there whole or not at all, and its line of the list is written before it.
 */

import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { separator } from '../../mail/wire/imap/mailbox-name.ts';
import { listName } from './eml-source.ts';
import {
  atPath,
  type ExportMailbox,
  folderName,
  type MailboxWriter,
  refuseForeign,
  type WholeMessage,
  writeMessageFile,
} from './writer.ts';

export function openEmlWriter(root: string, mailbox: ExportMailbox): MailboxWriter {
  const folder = join(root, ...mailbox.name.split(separator).map(folderName));
  return atPath(folder, () => new EmlWriter(folder, mailbox));
}

class EmlWriter implements MailboxWriter {
  readonly firstUid: number;
  readonly #folder: string;
  readonly #list: number;

  constructor(folder: string, mailbox: ExportMailbox) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    const list = join(folder, listName);
    const uids = readdirSync(folder).map((name) =>
      Number(/^(\d{1,10})\.eml$/.exec(name)?.[1] ?? 0),
    );
    const head = JSON.stringify({ mailbox: mailbox.name, uidValidity: mailbox.uidValidity });
    if (!existsSync(list)) {
      if (uids.some((uid) => uid > 0)) refuseForeign(folder);
      writeFileSync(list, `${head}\n`, { mode: 0o600 });
    } else if (firstLine(list) !== head) refuseForeign(list);
    // A run that was killed may have left half a line.
    else appendFileSync(list, '\n');
    this.firstUid = uids.reduce((most, uid) => Math.max(most, uid), 0) + 1;
    this.#list = openSync(list, 'a');
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

function firstLine(path: string): string {
  return readFileSync(path, 'utf8').split('\n', 1)[0]!;
}
