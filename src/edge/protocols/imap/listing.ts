/**
 * Which mailboxes LIST and LSUB name, and with what attributes.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 9051 §6.3.9 (selection and return options, RECURSIVEMATCH), §7.3.1 (attributes); RFC 6154 §2
 *            (special uses); RFC 3501 §6.3.9 (LSUB and `%`).
 */

import type { ImapList } from '../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../actors/asks/mailbox-asks.ts';
import { joinPattern, ListPattern } from '../../../mail/wire/imap/list-match.ts';
import { separator } from '../../../mail/wire/imap/mailbox-name.ts';
import type { ListCommand } from '../../../mail/wire/imap/parse-list.ts';
import type { ListedMailbox } from '../../../mail/wire/imap/response-data.ts';

const specialUses: Readonly<Record<string, string>> = {
  drafts: '\\Drafts',
  sent: '\\Sent',
  junk: '\\Junk',
  trash: '\\Trash',
  archive: '\\Archive',
};

export interface Listed extends ListedMailbox {
  /** Absent: only its name is known, by a subscription or by what is below it. */
  readonly info?: MailboxInfo;
}

/** Every name there is: mailboxes, and subscriptions without one. */
interface Names {
  readonly infos: ReadonlyMap<string, MailboxInfo>;
  readonly subscribed: ReadonlySet<string>;
  /** Those with something below them. */
  readonly parents: ReadonlySet<string>;
}

export function listed(list: ImapList, command: ListCommand): Listed[] {
  const names = namesOf(list);
  const { select } = command;
  const patterns = patternsOf(command);
  const matching = (name: string) => patterns.some((pattern) => pattern.matches(name));
  const found: Listed[] = [];
  const candidates = new Set(names.infos.keys());
  if (select.subscribed) for (const name of names.subscribed) candidates.add(name);
  for (const name of [...candidates].sort(byName)) {
    if (!matching(name)) continue;
    const childInfo = select.recursiveMatch ? childInfoOf(name, names, command, matching) : [];
    if (!isSelected(name, names, command) && childInfo.length === 0) continue;
    const attributes = attributesOf(name, names, command);
    const info = names.infos.get(name);
    found.push({
      name,
      attributes,
      ...(info === undefined ? {} : { info }),
      ...(childInfo.length === 0 ? {} : { childInfo }),
    });
  }
  return found;
}

/** RFC 3501 §6.3.9: a subscribed name below one that `%` stops at shows that one, as \Noselect. */
export function lsubbed(list: ImapList, command: ListCommand): Listed[] {
  const names = namesOf(list);
  const patterns = patternsOf(command);
  const found = new Map<string, Listed>();
  for (const name of names.subscribed) {
    if (patterns.some((pattern) => pattern.matches(name))) {
      found.set(name, { name, attributes: names.infos.has(name) ? [] : ['\\Noselect'] });
      continue;
    }
    for (const above of levelsAbove(name)) {
      if (names.subscribed.has(above) || found.has(above)) continue;
      if (patterns.some((pattern) => pattern.matches(above))) {
        found.set(above, { name: above, attributes: ['\\Noselect'] });
      }
    }
  }
  return [...found.values()].sort((a, b) => byName(a.name, b.name));
}

function patternsOf({ reference, patterns }: ListCommand): ListPattern[] {
  return patterns.map((pattern) => new ListPattern(joinPattern(reference, pattern)));
}

function namesOf({ mailboxes, subscribed }: ImapList): Names {
  const byNumber = new Map(mailboxes.map((info) => [info.mailbox, info]));
  const infos = new Map<string, MailboxInfo>();
  const parents = new Set<string>();
  for (const info of mailboxes) {
    const name = pathOf(info, byNumber);
    infos.set(name, info);
    for (const above of levelsAbove(name)) parents.add(above);
  }
  return { infos, subscribed: new Set(subscribed), parents };
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
  return select.subscribed || names.infos.has(name);
}

/** RFC 9051 §6.3.9.5: options that something below fulfils, where that is not listed by itself. */
function childInfoOf(
  name: string,
  names: Names,
  { select }: ListCommand,
  matching: (name: string) => boolean,
): readonly string[] {
  const below = (one: string) => one.startsWith(name + separator) && !matching(one);
  const info: string[] = [];
  if (select.subscribed && [...names.subscribed].some(below)) info.push('SUBSCRIBED');
  const hasUse = (one: string) => specialUseOf(names.infos.get(one)) !== undefined;
  if (select.specialUse && [...names.infos.keys()].some((one) => below(one) && hasUse(one))) {
    info.push('SPECIAL-USE');
  }
  return info;
}

function attributesOf(name: string, names: Names, { select, returns }: ListCommand): string[] {
  const info = names.infos.get(name);
  const attributes: string[] = [];
  if (info === undefined) attributes.push('\\NonExistent');
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
