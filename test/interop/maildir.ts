/**
 * Maildirs as mail programs keep them: looked at, and changed behind their backs as a local mail reader does.
 *
 * Runs in: interop tests.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const letters: readonly (readonly [letter: string, flag: string])[] = [
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
];

export interface LocalMessage {
  readonly path: string;
  readonly subject: string;
  readonly flags: readonly string[];
}

export function messagesIn(maildir: string): LocalMessage[] {
  return ['cur', 'new'].flatMap((part) =>
    readdirSync(join(maildir, part)).map((name) => {
      const path = join(maildir, part, name);
      const info = /:2,([A-Za-z]*)$/.exec(name)?.[1] ?? '';
      const flags = letters.filter(([letter]) => info.includes(letter)).map(([, flag]) => flag);
      const subject = /^Subject: (.*?)\r?$/m.exec(readFileSync(path, 'latin1'))?.[1] ?? '';
      return { path, subject, flags: flags.sort() };
    }),
  );
}

/** As `ImapPlace.mail` says it. */
export function mailIn(maildir: string): string[] {
  return messagesIn(maildir)
    .map(({ subject, flags }) => [subject, ...flags].join(' '))
    .sort();
}

/** What follows its header, with LF as Maildirs have it. */
export function textOf(maildir: string, subject: string): string {
  const text = readFileSync(find(maildir, subject).path, 'utf8').replaceAll('\r\n', '\n');
  return text.slice(text.indexOf('\n\n') + 2);
}

export function find(maildir: string, subject: string): LocalMessage {
  const found = messagesIn(maildir).find((one) => one.subject === subject);
  if (found === undefined) throw new Error(`no ${subject} in ${maildir}`);
  return found;
}

export function setFlags(maildir: string, subject: string, info: string): void {
  const { path } = find(maildir, subject);
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/:2,.*$/, '');
  renameSync(path, join(maildir, 'cur', `${name}:2,${info}`));
}

export function remove(maildir: string, subject: string): void {
  rmSync(find(maildir, subject).path);
}

export function make(maildir: string): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true });
}

let count = 0;

export function add(maildir: string, message: Uint8Array): void {
  writeFileSync(join(maildir, 'new', `1767225600.M${++count}.test`), message);
}
