/**
 * Which mailboxes LIST and LSUB name, and with what attributes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.3.9 (selection and return options, RECURSIVEMATCH), §7.3.1 (attributes); RFC 6154 §2
 *            (special uses); RFC 3501 §6.3.9 (LSUB and `%`).
 */

import { Buffer } from 'node:buffer';
import type { ImapList } from '../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../actors/asks/mailbox-asks.ts';
import { nameBytesMax } from '../../../mail/wire/imap/limits.ts';
import { joinPattern, literalName } from '../../../mail/wire/imap/list-match.ts';
import { separator } from '../../../mail/wire/imap/mailbox-name.ts';
import type { ListCommand } from '../../../mail/wire/imap/parse-list.ts';
import type { ListedMailbox } from '../../../mail/wire/imap/response-data.ts';
import type { Account } from '../../../ports/account-directory.ts';
import { matchedNames } from './list-matching.ts';

const specialUses: Readonly<Record<string, string>> = {
  drafts: '\\Drafts',
  sent: '\\Sent',
  junk: '\\Junk',
  trash: '\\Trash',
  archive: '\\Archive',
  snoozed: '\\Snoozed',
};

export interface Listed extends ListedMailbox {
  /** Absent: only its name is known, by a subscription or by what is below it. */
  readonly info?: MailboxInfo;
  /** Set where it is somebody else's. */
  readonly shared?: SharedMailbox;
}

/** A mailbox of somebody else that the reader may see, by the name the reader knows it by. */
export interface SharedMailbox {
  readonly name: string;
  readonly owner: Account;
  readonly info: MailboxInfo;
  /** The reader's. */
  readonly rights: number;
}

/** Every name there is: mailboxes, and subscriptions without one. */
interface Names {
  readonly infos: ReadonlyMap<string, MailboxInfo>;
  readonly shared: ReadonlyMap<string, SharedMailbox>;
  /** Names above shared mailboxes that are no mailboxes themselves. */
  readonly levels: ReadonlySet<string>;
  readonly subscribed: ReadonlySet<string>;
  /** Those with something below them. */
  readonly parents: ReadonlySet<string>;
}

/** Undefined: there is too much to match. */
export async function listed(
  list: ImapList,
  command: ListCommand,
  others: readonly SharedMailbox[],
): Promise<Listed[] | undefined> {
  const names = namesOf(list, others);
  const { select } = command;
  const candidates = new Set([...names.infos.keys(), ...names.levels]);
  if (select.subscribed) for (const name of names.subscribed) candidates.add(name);
  const matched = await matchedNames(candidates, command);
  if (matched === undefined) return undefined;
  const below = select.recursiveMatch ? unmatchedBelow(names, command, matched) : nothingBelow;
  const found: Listed[] = [];
  for (const name of [...matched].sort(byName)) {
    const childInfo = childInfoOf(name, below);
    if (!isSelected(name, names, command) && childInfo.length === 0) continue;
    const attributes = attributesOf(name, names, command);
    const info = names.infos.get(name);
    const shared = names.shared.get(name);
    found.push({
      name,
      attributes,
      ...(info === undefined ? {} : { info }),
      ...(shared === undefined ? {} : { shared }),
      ...(childInfo.length === 0 ? {} : { childInfo }),
    });
  }
  return found;
}

/** RFC 3501 §6.3.9: a subscribed name below one that `%` stops at shows that one, as \Noselect. */
export async function lsubbed(
  list: ImapList,
  command: ListCommand,
  others: readonly SharedMailbox[],
): Promise<Listed[] | undefined> {
  const names = namesOf(list, others);
  const all = new Set(names.subscribed);
  for (const name of names.subscribed) for (const above of levelsAbove(name)) all.add(above);
  const matched = await matchedNames(all, command);
  if (matched === undefined) return undefined;
  const found = new Map<string, Listed>();
  for (const name of names.subscribed) {
    if (matched.has(name)) {
      found.set(name, { name, attributes: names.infos.has(name) ? [] : ['\\Noselect'] });
      continue;
    }
    for (const above of levelsAbove(name)) {
      if (names.subscribed.has(above) || found.has(above)) continue;
      if (matched.has(above)) found.set(above, { name: above, attributes: ['\\Noselect'] });
    }
  }
  return [...found.values()].sort((a, b) => byName(a.name, b.name));
}

/** The only names that can match, without those below them; undefined: any may. */
export function namesAsked({ reference, patterns, select }: ListCommand): string[] | undefined {
  // RFC 9051 §6.3.9.5: what is below matters, whatever it is called.
  if (select.recursiveMatch) return undefined;
  const names: string[] = [];
  for (const pattern of patterns) {
    const name = literalName(joinPattern(reference, pattern));
    if (name === undefined) return undefined;
    // Nothing is called more than that.
    if (Buffer.byteLength(name) <= nameBytesMax) names.push(name);
  }
  return names;
}

const wildcard = /[*%]/;

/** Whether a name that begins with `prefix`, or the levels of it, may be asked for. */
export function asksBelow(prefix: string, { reference, patterns }: ListCommand): boolean {
  return patterns.some((pattern) => {
    const [literal = ''] = joinPattern(reference, pattern).split(wildcard, 1);
    return literal.startsWith(prefix) || prefix.startsWith(literal);
  });
}

function namesOf({ mailboxes, subscribed }: ImapList, others: readonly SharedMailbox[]): Names {
  const byNumber = new Map(mailboxes.map((info) => [info.mailbox, info]));
  const infos = new Map<string, MailboxInfo>();
  const parents = new Set<string>();
  for (const info of mailboxes) {
    const name = pathOf(info, byNumber);
    infos.set(name, info);
    for (const above of levelsAbove(name)) parents.add(above);
  }
  const levels = new Set<string>();
  for (const { name, info } of others) {
    infos.set(name, info);
    for (const above of levelsAbove(name)) {
      parents.add(above);
      levels.add(above);
    }
  }
  for (const name of levels) if (infos.has(name)) levels.delete(name);
  const shared = new Map(others.map((one) => [one.name, one]));
  return { infos, shared, levels, subscribed: new Set(subscribed), parents };
}

/** With the names of those above it. */
export function pathOf(info: MailboxInfo, byNumber: ReadonlyMap<number, MailboxInfo>): string {
  const parent = byNumber.get(info.parent);
  return parent === undefined ? info.name : pathOf(parent, byNumber) + separator + info.name;
}

function* levelsAbove(name: string): IterableIterator<string> {
  for (let at = name.lastIndexOf(separator); at > 0; at = name.lastIndexOf(separator, at - 1)) {
    yield name.slice(0, at);
  }
}

function isSelected(name: string, names: Names, { select }: ListCommand): boolean {
  if (select.subscribed && !names.subscribed.has(name)) return false;
  if (select.specialUse && specialUseOf(names.infos.get(name)) === undefined) return false;
  return select.subscribed || names.infos.has(name) || names.levels.has(name);
}

/** Names with something below them that is not listed by itself: subscribed to, or of a special use. */
interface Below {
  readonly subscribed: ReadonlySet<string>;
  readonly specialUse: ReadonlySet<string>;
}

const nothingBelow: Below = { subscribed: new Set(), specialUse: new Set() };

function unmatchedBelow(
  names: Names,
  { select }: ListCommand,
  matched: ReadonlySet<string>,
): Below {
  const subscribed = new Set<string>();
  const specialUse = new Set<string>();
  const note = (name: string, to: Set<string>) => {
    if (!matched.has(name)) for (const above of levelsAbove(name)) to.add(above);
  };
  if (select.subscribed) for (const name of names.subscribed) note(name, subscribed);
  if (select.specialUse) {
    for (const [name, info] of names.infos) {
      if (specialUseOf(info) !== undefined) note(name, specialUse);
    }
  }
  return { subscribed, specialUse };
}

/** RFC 9051 §6.3.9.5: options that something below fulfils, where that is not listed by itself. */
function childInfoOf(name: string, below: Below): readonly string[] {
  const info: string[] = [];
  if (below.subscribed.has(name)) info.push('SUBSCRIBED');
  if (below.specialUse.has(name)) info.push('SPECIAL-USE');
  return info;
}

function attributesOf(
  name: string,
  names: Names,
  { select, returns, isBasic }: ListCommand,
): string[] {
  const info = names.infos.get(name);
  const attributes: string[] = [];
  if (info === undefined) attributes.push('\\NonExistent');
  // RFC 5258 §3.4: \NonExistent says so already, to clients that know it.
  if (info === undefined && isBasic) attributes.push('\\Noselect');
  attributes.push(names.parents.has(name) ? '\\HasChildren' : '\\HasNoChildren');
  if (names.subscribed.has(name) && (select.subscribed || returns.subscribed)) {
    attributes.push('\\Subscribed');
  }
  const use = specialUseOf(info);
  if (use !== undefined) attributes.push(use);
  return attributes;
}

/** `\Drafts` as rows have it; undefined: no mailbox here can be that. */
export function roleOfUse(use: string): string | undefined {
  return Object.keys(specialUses).find((role) => specialUses[role] === use);
}

function specialUseOf(info: MailboxInfo | undefined): string | undefined {
  return info === undefined ? undefined : specialUses[info.role];
}

/** INBOX first. */
function byName(a: string, b: string): number {
  if (a === b) return 0;
  if (a === 'INBOX') return -1;
  if (b === 'INBOX') return 1;
  return a < b ? -1 : 1;
}
