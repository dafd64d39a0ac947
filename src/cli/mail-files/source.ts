/**
 * Mail in files: what an import reads, mailbox by mailbox.
 *
 * Runs in:   the CLI's process.
 * Limits:    one message and one piece of a file are held at a time; of a folder, the names of its files. Folders
 *            are looked into `depthMax` levels down; links are not followed.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { MailError } from '../../base/errors.ts';
import { decodeLevel, readFolderName } from '../../mail/formats/maildir/folder-name.ts';
import type { Quoting } from '../../mail/formats/mbox/message.ts';
import { canonicalName, inbox, separator } from '../../mail/wire/imap/mailbox-name.ts';
import { emlMessages, listName } from './eml-source.ts';
import { maildirMessages } from './maildir-source.ts';
import { mboxMessages } from './mbox-source.ts';
import { entriesOf, isEml, reasonOf } from './read-file.ts';
import type { SourceItem } from './source-item.ts';

export const sourceFormats = ['mbox', 'maildir', 'eml'] as const;
export type SourceFormat = (typeof sourceFormats)[number];

const depthMax = 32;
export interface SourceMailbox {
  readonly name: string;
  items(): Iterable<SourceItem>;
}

export interface SourceOptions {
  /** By what is found, where it is left out. */
  readonly format?: SourceFormat;
  /** All goes into this mailbox, and below it. */
  readonly mailbox?: string;
  /** Between levels in the names of Maildir++ folders. */
  readonly separator: string;
  readonly quoting: Quoting;
}

interface Found {
  readonly format: SourceFormat;
  readonly levels: readonly string[];
  readonly path: string;
}

/** Mailboxes in the order of their names. @throws MailError `not-found` */
export function openSource(path: string, options: SourceOptions): SourceMailbox[] {
  const found = [...findIn(path, options)];
  // A Maildir may hold other files; a folder of mbox files, drafts as .eml.
  const format =
    options.format ??
    (['maildir', 'mbox', 'eml'] as const).find((each) => found.some((one) => one.format === each));
  const wanted = found.filter((one) => one.format === format);
  if (wanted.length === 0) throw new MailError('not-found', `${path}: no mail is there`);
  const mailboxes = new Map<string, Found[]>();
  for (const one of wanted) {
    const name = nameOf(one.levels, options.mailbox);
    const same = mailboxes.get(name);
    if (same === undefined) mailboxes.set(name, [one]);
    else same.push(one);
  }
  return [...mailboxes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, places]) => ({ name, items: () => itemsOf(places, options) }));
}

function* itemsOf(places: readonly Found[], options: SourceOptions): Iterable<SourceItem> {
  for (const { format, path } of places) {
    if (format === 'mbox') yield* mboxMessages(path, options.quoting);
    else if (format === 'maildir') yield* maildirMessages(path);
    else yield* emlMessages(path);
  }
}

function nameOf(levels: readonly string[], under: string | undefined): string {
  const all = under === undefined ? levels : [under, ...levels];
  return canonicalName(all.length === 0 ? inbox : all.join(separator));
}

function* findIn(path: string, options: SourceOptions): Iterable<Found> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw new MailError('not-found', `${path}: ${reasonOf(cause)}`, { cause });
  }
  if (isFolder) yield* findUnder(path, [], options, 0);
  else yield { format: options.format ?? 'mbox', levels: [], path };
}

function* findUnder(
  path: string,
  levels: readonly string[],
  options: SourceOptions,
  depth: number,
): Iterable<Found> {
  const entries = entriesOf(path);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  // A mailbox of somebody may be called "new": who says the format is believed.
  const mayBeMaildir = options.format === undefined || options.format === 'maildir';
  const isMaildir = mayBeMaildir && (folders.includes('cur') || folders.includes('new'));
  if (isMaildir) yield { format: 'maildir', levels, path };
  let hasEml = false;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    if (isEml(entry.name) || entry.name === listName) hasEml = true;
    const level = /^(.+)\.(?:mbox|mbx)$/i.exec(entry.name)?.[1];
    if (level === undefined) continue;
    yield { format: 'mbox', levels: [...levels, plainLevel(level)], path: join(path, entry.name) };
  }
  if (hasEml) yield { format: 'eml', levels, path };
  if (depth === depthMax) return;
  for (const name of folders) {
    if (isMaildir && (name === 'cur' || name === 'new' || name === 'tmp')) continue;
    const below = levelsOf(name, options);
    yield* findUnder(join(path, name), [...levels, ...below], options, depth + 1);
  }
}

/** A folder's name as levels: of Maildir++ where it starts with a dot, one level else. */
function levelsOf(name: string, options: SourceOptions): readonly string[] {
  const levels = readFolderName(name, options.separator);
  const all = levels.length > 0 ? levels : [decodeLevel(plainLevel(name))];
  return all.map((level) => level.replaceAll(separator, '_'));
}

/** As an export writes names: with %XX for what a file's name cannot have. */
function plainLevel(name: string): string {
  try {
    return decodeURIComponent(name).replaceAll(separator, '_');
  } catch {
    return name;
  }
}
