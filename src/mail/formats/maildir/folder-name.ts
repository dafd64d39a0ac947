/**
 * Folders of Maildir++ and the mailboxes they stand for: `.Lists.2026` is `Lists/2026`, the root is INBOX.
 *
 * Runs in:   anywhere; pure.
 * Specs:     Maildir++ (names in modified UTF-7, levels parted by "."); a "." or "/" within a level as Dovecot's
 *            listescape plugin writes it: `\2e`, `\2f`.
 */

import { decodeMutf7, encodeMutf7, separator } from '../../wire/imap/mailbox-name.ts';

/** Levels of the mailbox; none for what is no folder of Maildir++. */
export function readFolderName(name: string, levelSeparator = '.'): readonly string[] {
  if (!name.startsWith('.')) return [];
  return name.slice(1).split(levelSeparator).map(decodeLevel);
}

export function writeFolderName(mailbox: string): string {
  return mailbox
    .split(separator)
    .map((level) => `.${encodeMutf7(level.replaceAll('\\', '\\5c').replaceAll('.', '\\2e'))}`)
    .join('');
}

/** A folder's own name, in whichever of the usual ways it is written. */
export function decodeLevel(text: string): string {
  const name = decodeMutf7(text) ?? text;
  return name.replace(/\\(2e|2f|5c)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
