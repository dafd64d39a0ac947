/**
 * Mailboxes as one Maildir++ tree: INBOX at its root, `Lists/2026` as `.Lists.2026`.
 *
 * Runs in:   the CLI's process.
 * Specs:     Maildir: a file is written in `tmp` and renamed into `cur`, so that it is there whole or not at all.
 * Limits:    26 keywords a mailbox, as many as there are letters; `lostKeywords` names the others.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isWhollyCrlf, withLf } from '../../mail/formats/line-ends.ts';
import {
  keywordListName,
  lettersMax,
  maildirBase,
  maildirFlags,
  needsLetter,
  readKeywordList,
  writeKeywordList,
} from '../../mail/formats/maildir/file-name.ts';
import { writeFolderName } from '../../mail/formats/maildir/folder-name.ts';
import { inbox } from '../../mail/wire/imap/mailbox-name.ts';
import { entriesOf, readListFile } from './read-file.ts';
import {
  atPath,
  type ExportMailbox,
  fitting,
  folderBelow,
  type MailboxWriter,
  type WholeMessage,
  writeMessageFile,
  writeWhole,
} from './writer.ts';

/** `onLost` hears of a keyword that has no letter. */
export function openMaildirWriter(
  root: string,
  mailbox: ExportMailbox,
  onLost: (keyword: string) => void,
): MailboxWriter {
  const isRoot = mailbox.name === inbox;
  const levels = isRoot ? [] : [fitting(writeFolderName(mailbox.name))];
  const path = join(root, ...levels);
  return atPath(path, () => {
    const folder = folderBelow(root, levels);
    return new MaildirWriter(folder, mailbox, isRoot, onLost);
  });
}

class MaildirWriter implements MailboxWriter {
  readonly firstUid: number;
  readonly #folder: string;
  readonly #uidValidity: number;
  readonly #keywords: string[];
  readonly #lost = new Set<string>();
  readonly #onLost: (keyword: string) => void;

  constructor(
    folder: string,
    { uidValidity }: ExportMailbox,
    isRoot: boolean,
    onLost: (keyword: string) => void,
  ) {
    this.#folder = folder;
    this.#uidValidity = uidValidity;
    this.#onLost = onLost;
    for (const part of ['tmp', 'new', 'cur']) folderBelow(folder, [part]);
    const mark = join(folder, 'maildirfolder');
    if (!isRoot && !existsSync(mark)) writeWhole(mark, '');
    this.#keywords = keywordsIn(folder);
    const own = new RegExp(`^\\d+\\.V${uidValidity}U(\\d{1,10})\\.chaski`);
    const uids = ['cur', 'new'].flatMap((part) =>
      entriesOf(join(folder, part)).map(({ name }) => Number(own.exec(name)?.[1] ?? 0)),
    );
    this.firstUid = uids.reduce((most, uid) => Math.max(most, uid), 0) + 1;
  }

  write({ uid, internalMs, flags, bytes }: WholeMessage): void {
    this.#learn(flags);
    const text = isWhollyCrlf(bytes) ? withLf(bytes) : bytes;
    const base = maildirBase({
      ...{ internalMs, uid, uidValidity: this.#uidValidity },
      ...{ fileBytes: text.length, wireBytes: bytes.length },
    });
    const path = join(this.#folder, 'cur', `${base}${maildirFlags(flags, this.#keywords)}`);
    const part = join(this.#folder, 'tmp', base);
    atPath(path, () => writeMessageFile(path, part, text, internalMs));
  }

  close(): void {}

  /** Gives letters to new keywords, in the list first: no file may use a letter that nobody knows. */
  #learn(flags: readonly string[]): void {
    const known = this.#keywords.length;
    for (const flag of flags) {
      if (!needsLetter(flag) || this.#keywords.includes(flag) || this.#lost.has(flag)) continue;
      if (this.#keywords.length < lettersMax) {
        this.#keywords.push(flag);
        continue;
      }
      this.#lost.add(flag);
      this.#onLost(flag);
    }
    if (this.#keywords.length === known) return;
    const path = join(this.#folder, keywordListName);
    atPath(path, () => writeWhole(path, writeKeywordList(this.#keywords)));
  }
}

function keywordsIn(folder: string): string[] {
  // A letter nobody uses keeps its place.
  return Array.from(readKeywordList(readListFile(join(folder, keywordListName))), (one) =>
    one === undefined ? '' : one,
  );
}
