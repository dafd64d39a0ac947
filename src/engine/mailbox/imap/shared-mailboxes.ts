/**
 * What is different where somebody else's mailbox is meant: what shows of it, and whose \\Seen is set.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 4314 §4 (LIST; COPY and APPEND keep the flags that the reader may set).
 */

import { type ImapList, mayCreate } from '../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../../base/errors.ts';
import { flagsAllowed, noRights, rights } from '../../../mail/wire/imap/rights.ts';
import type { AppendFacts } from '../append.ts';
import type { CopyFlags } from '../decisions.ts';
import { mailboxInfo } from '../handlers.ts';
import type { NumberedMailbox } from '../mailbox-reader.ts';
import { seenFlag, systemFlags } from '../rows/uid-block.ts';
import { addId, type IdRanges, idsOf } from '../rows/uid-ranges.ts';
import { listedMailboxes } from './acl.ts';
import { rightsOf } from './answering.ts';
import type { ImapDesk } from './desk.ts';
import { systemFlagsOf } from './flags-of.ts';
import { nearest } from './guard.ts';
import { messagesIn, type Place } from './messages.ts';

const seenBit = 1 << seenFlag;
const allFlags = (1 << systemFlags.length) - 1;

/** What a reader who is not the owner may see: whole paths, for what is above may be hidden. No role: that is the owner's. */
export function visible(desk: ImapDesk, account: number): ImapList {
  const mailboxes: MailboxInfo[] = [];
  const all: number[] = [];
  const numbers = new Set(listedMailboxes(desk, account));
  for (const [mailbox, path] of desk.tree.paths(account)) {
    const had = numbers.has(mailbox) ? rightsOf(desk, mailbox) : noRights;
    const row = (had & rights.lookup) === 0 ? undefined : desk.reader.mailbox(account, mailbox);
    if (row === undefined) continue;
    mailboxes.push({ ...mailboxInfo({ mailbox, row }), name: path, parent: 0, role: '' });
    all.push(had);
  }
  return { mailboxes, subscribed: [], rights: all };
}

/** @throws MailError `not-found`, whose detail is `mayCreate` where the reader may make what is missing */
export function targetOf(desk: ImapDesk, account: number, path: string): NumberedMailbox {
  const found = desk.tree.find(account, path);
  if (found !== undefined) return found;
  const may = rightsOf(desk, nearest({ desk, account }, path)) & rights.create;
  throw new MailError('not-found', may !== 0 ? mayCreate : path);
}

/**
 * Of messages that a reader copies within somebody's account: flags that the reader may not set do not come along (RFC
 * 4314 §4), the reader's \\Seen does; the owner's is copied with the message.
 */
export function copyFlags(
  desk: ImapDesk,
  place: Place,
  target: number,
  sources: IdRanges,
): readonly CopyFlags[] {
  if (desk.rights === undefined) return [];
  const had = desk.rights.of(target);
  const flags = allFlags & ~flagsAllowed(had) & ~seenBit;
  const known = desk.reader.mailbox(place.account, place.mailbox)?.keywords ?? [];
  const keywords = (had & rights.write) === 0 ? known : [];
  const [dropped, seen]: [number[], number[]] = [[], []];
  const uids = idsOf(sources);
  let offset = -1;
  for (const { uid, slot, block } of messagesIn(desk.shard, place, sources)) {
    do offset++;
    while (uids.next().value !== uid);
    const isNamed = keywords.some((_, keyword) => block.hasKeyword(slot, keyword));
    if (isNamed || (systemFlagsOf(block, slot) & flags) !== 0) addId(dropped, offset);
    if (block.hasFlag(slot, seenFlag)) addId(seen, offset);
  }
  const { account: reader } = desk.rights.reader;
  const mayMark = (had & rights.seen) !== 0 && seen.length > 0;
  const drop: CopyFlags = { offsets: dropped, step: { op: 'remove', flags, keywords } };
  const mark = { op: 'add', flags: seenBit, keywords: [], reader } as const;
  return [
    ...(dropped.length > 0 ? [drop] : []),
    ...(mayMark ? [{ offsets: seen, step: mark }] : []),
  ];
}

/** Of the flags of a new message those that the reader may set, as RFC 4314 §4 says of APPEND; a reader's \\Seen by itself. */
export function allowedFlags(
  desk: ImapDesk,
  mailbox: number,
  flags: number,
  keywords: readonly string[],
): Pick<AppendFacts, 'flags' | 'keywords' | 'seenBy'> {
  if (desk.rights === undefined) return { flags, keywords };
  const had = desk.rights.of(mailbox);
  const allowed = flags & flagsAllowed(had);
  const kept = (had & rights.write) === 0 ? [] : keywords;
  const own = { flags: allowed & ~seenBit, keywords: kept };
  return (allowed & seenBit) === 0 ? own : { ...own, seenBy: desk.rights.reader.account };
}
