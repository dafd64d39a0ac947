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
import { mailboxInfo } from '../handlers.ts';
import type { NumberedMailbox } from '../mailbox-reader.ts';
import { seenFlag, systemFlags } from '../rows/uid-block.ts';
import { addId, type IdRanges, idsOf } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import { listedMailboxes } from './acl.ts';
import { rightsOf } from './answering.ts';
import type { ImapDesk } from './desk.ts';
import { systemFlagsOf } from './flags-of.ts';
import { nearest } from './guard.ts';
import { messagesIn } from './messages.ts';

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

/** A reader's \Seen goes along with a copy; the owner's is copied with the message. */
export async function copySeen(
  desk: ImapDesk,
  owner: Owner,
  from: { readonly mailbox: number },
  target: number,
  { sources, targets }: { readonly sources: IdRanges; readonly targets: IdRanges },
): Promise<void> {
  if (desk.rights === undefined || (rightsOf(desk, target) & rights.seen) === 0) return;
  const place = { account: owner.account, mailbox: from.mailbox };
  const uids: number[] = [];
  const to = [...idsOf(targets)];
  let at = 0;
  const seenOnes = new Set<number>();
  for (const { uid, slot, block } of messagesIn(desk.shard, place, sources)) {
    if (block.hasFlag(slot, seenFlag)) seenOnes.add(uid);
  }
  for (const uid of idsOf(sources)) {
    if (seenOnes.has(uid)) addId(uids, to[at]!);
    at++;
  }
  if (uids.length > 0) await markSeen(desk, owner, target, uids);
}

/** RFC 4314 §4 (COPY): flags that the reader may not set do not come along; the owner's \\Seen is not the reader's. */
export async function dropFlags(
  desk: ImapDesk,
  { account, tenant }: Owner,
  target: number,
  targets: IdRanges,
): Promise<void> {
  if (desk.rights === undefined) return;
  const had = desk.rights.of(target);
  const flags = allFlags & ~flagsAllowed(had) & ~seenBit;
  const known = desk.reader.mailbox(account, target)?.keywords ?? [];
  const keywords = (had & rights.write) === 0 ? known : [];
  const uids: number[] = [];
  for (const { uid, slot, block } of messagesIn(
    desk.shard,
    { account, mailbox: target },
    targets,
  )) {
    const isNamed = keywords.some((_, keyword) => block.hasKeyword(slot, keyword));
    if (isNamed || (systemFlagsOf(block, slot) & flags) !== 0) addId(uids, uid);
  }
  if (uids.length === 0) return;
  const store = { mailbox: target, uids, op: 'remove', flags, keywords } as const;
  await desk.mailboxes.storeFlags(account, tenant, store);
}

export function markSeen(
  desk: ImapDesk,
  owner: Owner,
  mailbox: number,
  uids: IdRanges,
): Promise<unknown> {
  const store = { mailbox, uids, op: 'add', flags: seenBit, keywords: [] } as const;
  return desk.flags.storeFlags(owner.account, owner.tenant, store);
}

/** Of the flags of a new message those that the reader may set, as RFC 4314 §4 says of APPEND; a reader's \\Seen by itself. */
export function allowedFlags(
  desk: ImapDesk,
  mailbox: number,
  flags: number,
  keywords: readonly string[],
): { readonly flags: number; readonly keywords: readonly string[]; readonly isSeen: boolean } {
  if (desk.rights === undefined) return { flags, keywords, isSeen: false };
  const had = desk.rights.of(mailbox);
  const allowed = flags & flagsAllowed(had);
  const kept = (had & rights.write) === 0 ? [] : keywords;
  return { flags: allowed & ~seenBit, keywords: kept, isSeen: (allowed & seenBit) !== 0 };
}
