/**
 * What is \Recent to a session: messages that it is told of before any other.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 3501 §2.3.2, §6.3.2 (EXAMINE takes it from nobody), §6.4.4 (NEW, OLD, RECENT), §7.3.2. RFC 9051
 *            dropped it all: a session of rev2 is not told, yet what it was told of is \Recent to no other.
 * Limits:    `rangesMax` ranges of UIDs: a session that has so many leaves what comes next to others.
 * Invariant: the count is of messages the client was told of, and not told to be gone.
 */

import { imapAsks, type PackedView, type UidRanges } from '../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../actors/asks/mailbox-asks.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { writeCount } from '../../../mail/wire/imap/response-data.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { Account } from '../../../ports/account-directory.ts';
import { ownerOf } from './account-asks.ts';
import type { CommandSession } from './command.ts';
import { type SelectedMailbox, viewOf } from './selected.ts';

const rangesMax = 100;

export interface Recent {
  /** Ascending; not every UID within has a message. */
  ranges: UidRanges;
  count: number;
}

const nothing: UidRanges = [];

export function recentOf({ recent }: SelectedMailbox): UidRanges {
  return recent?.ranges ?? nothing;
}

/** The mailbox was selected: what nobody was told of is the session's, for it alone or, if read-only, to look at. */
export async function openRecent(
  session: CommandSession,
  selected: SelectedMailbox,
  info: MailboxInfo,
): Promise<void> {
  const { owner, mailbox, isReadOnly, uidNext } = selected;
  if (!isReadOnly) session.service.notices.recent.enter(owner.id, mailbox, info.recentUid);
  const from = Math.max(info.recentUid, claimed(session, selected, uidNext));
  if (session.isRev2) return;
  const ranges = from < uidNext ? [from, uidNext - 1] : nothing;
  selected.recent = { ranges, count: from === info.recentUid ? info.recent : 0 };
  if (from === info.recentUid || from >= uidNext) return;
  selected.recent.count = await countFrom(session, owner, viewOf(selected), from);
}

/** How far messages below `uidNext` are somebody's; the rest is the session's from now on, where it may take it. */
function claimed(session: CommandSession, selected: SelectedMailbox, uidNext: number): number {
  const { recent: claims } = session.service.notices;
  const { owner, mailbox, isReadOnly } = selected;
  return isReadOnly ? claims.uidNext(owner.id, mailbox) : claims.claim(owner.id, mailbox, uidNext);
}

/**
 * Messages that came up to `uidNext`, before the client hears of them: from the UID that is answered on they are
 * \Recent to it. Undefined: none is.
 */
export function claimArrived(
  session: CommandSession,
  selected: SelectedMailbox,
  uidNext: number,
): number | undefined {
  const { recent } = selected;
  if (uidNext <= selected.uidNext) return undefined;
  if (recent !== undefined && recent.ranges.length >= 2 * rangesMax) return undefined;
  const from = Math.max(selected.uidNext, claimed(session, selected, uidNext));
  if (recent === undefined || from >= uidNext) return undefined;
  recent.ranges = withRange(recent.ranges, from, uidNext - 1);
  return from;
}

function withRange(ranges: UidRanges, first: number, last: number): UidRanges {
  const isNext = ranges.length > 0 && ranges.at(-1) === first - 1;
  return isNext ? [...ranges.slice(0, -1), last] : [...ranges, first, last];
}

/** Messages were told: those from `from` on are \Recent, and as many as `count` says where that is known. */
export async function countArrived(
  session: CommandSession,
  selected: SelectedMailbox,
  from: number,
  count?: number,
): Promise<void> {
  const { recent, owner } = selected;
  if (recent === undefined) return;
  recent.count += count ?? (await countFrom(session, owner, viewOf(selected), from));
  if (session.selected === selected) session.respond((writer) => writeRecent(writer, selected));
}

/** RFC 3501 §7.3.2; nothing in rev2. */
export function writeRecent(writer: ResponseWriter, { recent }: SelectedMailbox): void {
  if (recent !== undefined) writeCount(writer, recent.count, 'RECENT');
}

/** The session leaves its mailbox. */
export function closeRecent(session: CommandSession, selected: SelectedMailbox): void {
  const { owner, mailbox, isReadOnly } = selected;
  if (isReadOnly) return;
  const uidNext = session.service.notices.recent.leave(owner.id, mailbox);
  if (uidNext === 0) return;
  // Where it fails, messages may be \Recent once more after a restart.
  void session.ask(imapAsks.recentTold, [ownerOf(owner), mailbox, uidNext], { to: owner });
}

/** The session left its mailbox, and has it again as it was. */
export function reopenRecent(
  session: CommandSession,
  { owner, mailbox, isReadOnly }: SelectedMailbox,
): void {
  if (!isReadOnly) session.service.notices.recent.enter(owner.id, mailbox, 0);
}

/** As STATUS tells it: what nobody was told of, and what is the session's own. */
export async function recentCount(
  session: CommandSession,
  owner: Account,
  { mailbox, highestModseq, uidNext, recentUid, recent }: MailboxInfo,
): Promise<number> {
  const { selected, isRev2 } = session;
  if (isRev2) return 0;
  const isSelected = selected?.mailbox === mailbox && selected.owner.id === owner.id;
  const own = isSelected && !selected.isReadOnly ? (selected.recent?.count ?? 0) : 0;
  const from = session.service.notices.recent.uidNext(owner.id, mailbox);
  if (from <= recentUid) return own + recent;
  if (from >= uidNext) return own;
  return own + (await countFrom(session, owner, [mailbox, highestModseq, uidNext], from));
}

/** Messages of a view from a UID on; 0 where that cannot be found out. */
async function countFrom(
  session: CommandSession,
  owner: Account,
  view: PackedView,
  from: number,
): Promise<number> {
  const answer = await session.ask(imapAsks.recentCount, [owner.id, view, from], { to: owner });
  return answer.ok ? (answer.value as number) : 0;
}

/** RECENT, NEW and OLD as sets of UIDs: the engine knows nothing of sessions. */
export function withoutRecent(criteria: Criteria, recent: UidRanges): Criteria {
  switch (criteria.op) {
    case 'recent': {
      const set: Criteria = { op: 'set', isUid: true, isSaved: false, ranges: recent };
      return criteria.isSet ? set : { op: 'not', key: set };
    }
    case 'not':
      return { ...criteria, key: withoutRecent(criteria.key, recent) };
    case 'and':
      return { ...criteria, keys: criteria.keys.map((key) => withoutRecent(key, recent)) };
    case 'or': {
      const left = withoutRecent(criteria.left, recent);
      return { ...criteria, left, right: withoutRecent(criteria.right, recent) };
    }
    default:
      return criteria;
  }
}
