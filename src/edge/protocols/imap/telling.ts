/**
 * Telling a session what changed in its mailbox: at a command's end, and as it happens while the client idles.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.3.13 (IDLE), §7.4.1, §7.5.1.
 * Invariant: what is told and what `SelectedMailbox` says change together.
 */

import {
  imapAsks,
  type MailboxChange,
  type PackedSync,
  type PackedView,
  type Synced,
} from '../../../actors/asks/imap-asks.ts';
import { latin1 } from '../../../base/bytes.ts';
import { writeCount, writeMailboxFlags } from '../../../mail/wire/imap/response-data.ts';
import { writeMetadataChanged } from '../../../mail/wire/imap/response-metadata.ts';
import type { CommandSession } from './command.ts';
import { contextChanges, tellAdded, tellRemoved } from './contexts.ts';
import { claimArrived, countArrived, recentOf, writeRecent } from './recent.ts';
import { type SelectedMailbox, viewOf } from './selected.ts';

/** All five of RFC 9051 §2.3.2. */
export const allFlags = 0b1_1111;

/** Which changes are told, beside arrivals. */
export interface Told {
  readonly mayExpunge: boolean;
  readonly tellsFlags: boolean;
}

/** False: the mailbox is gone. */
export async function tellChanges(
  session: CommandSession,
  { mayExpunge, tellsFlags }: Told,
): Promise<boolean> {
  for (;;) {
    const { selected } = session;
    if (selected === undefined) return true;
    // A notice that comes while the engine looks makes it stale again.
    selected.isStale = !mayExpunge || !tellsFlags;
    selected.isHalfTold = !mayExpunge && tellsFlags;
    const { owner, flagModseq, keywordCount } = selected;
    const stamp = session.service.kept.stampOf(owner.id);
    selected.stamp = undefined;
    const view = viewOf(selected);
    const { isCondstore, isQresync, isUidOnly } = session;
    const tellsVanished = isQresync || isUidOnly;
    const how = [keywordCount, isCondstore, tellsVanished, tellsFlags, isUidOnly] as const;
    const recent = recentOf(selected);
    const meta: PackedSync = [owner.id, view, flagModseq, mayExpunge, ...how, recent];
    const answer = await session.ask(imapAsks.sync, meta, { to: owner });
    if (session.selected !== selected || session.isEnded) return true;
    if (!answer.ok) {
      selected.isStale = true;
      // Its rights were taken away: as good as gone.
      return answer.code !== 'not-found' && answer.code !== 'permission-missing';
    }
    const { modseq, uidNext } = selected;
    const synced = answer.value as Synced;
    const recentFrom = claimArrived(session, selected, synced.uidNext);
    const after: PackedView = [selected.mailbox, synced.modseq, synced.uidNext];
    const updates =
      selected.contexts.length === 0 ? [] : await contextChanges(session, selected, after);
    await tellRemoved(session, updates);
    if (session.selected !== selected || session.isEnded) return true;
    const isMore = tell(session, selected, synced, answer.body);
    if (recentFrom !== undefined) {
      const count = recentFrom === uidNext ? (synced.arrived ?? 0) : undefined;
      await countArrived(session, selected, recentFrom, count);
    } else if (synced.recentGone !== undefined) {
      // RFC 3501 §7.3.2: no EXPUNGE says that a message was \Recent.
      session.respond((writer) => writeRecent(writer, selected));
    }
    await tellAdded(session, selected, updates);
    if (session.isMetadata && mayExpunge) await tellEntries(session, selected, modseq);
    if (!isMore) {
      if (mayExpunge && tellsFlags) selected.stamp = stamp;
      return true;
    }
    await session.room();
  }
}

/** RFC 5464 §4.4.2: names of entries that others changed after `modseq`. */
async function tellEntries(
  session: CommandSession,
  selected: SelectedMailbox,
  modseq: number,
): Promise<void> {
  const { owner } = selected;
  const meta = [owner.id, selected.mailbox, Math.max(modseq, selected.ownEntries)];
  const answer = await session.ask(imapAsks.changedMetadata, meta, { to: owner });
  if (!answer.ok || session.selected !== selected || session.isEnded) return;
  const entries = answer.value as readonly string[];
  session.respond((writer) => writeMetadataChanged(writer, selected.name, entries));
}

/** True: there is more to ask for. */
function tell(
  session: CommandSession,
  selected: SelectedMailbox,
  synced: Synced,
  body: Uint8Array | undefined,
): boolean {
  const { keywords } = synced;
  if (keywords !== undefined) tellKeywords(session, selected, keywords);
  if (body !== undefined) session.send(body);
  selected.modseq = synced.modseq;
  selected.flagModseq = synced.flagModseq;
  selected.uidNext = synced.uidNext;
  selected.count = synced.count;
  const { recent } = selected;
  if (recent !== undefined) recent.count = Math.max(0, recent.count - (synced.recentGone ?? 0));
  return synced.isMore;
}

/** RFC 9051 §7.3.5: before the first FETCH response with a new one. */
export function tellKeywords(
  session: CommandSession,
  selected: SelectedMailbox,
  keywords: readonly string[],
): void {
  selected.keywordCount = keywords.length;
  session.respond((writer) => writeMailboxFlags(writer, allFlags, keywords));
}

/** Notes a notice. False: it tells nothing the client has not heard. */
export function noteChange(selected: SelectedMailbox, change: MailboxChange): boolean {
  // One that came late may be of a mailbox that was selected before, of another account.
  const isOfIt = change.mailbox === selected.mailbox && change.account === selected.owner.id;
  if (!isOfIt) return false;
  const isHeard = change.modseq <= selected.modseq && change.modseq <= selected.flagModseq;
  // A mailbox that is gone has no modseq.
  if (isHeard && change.modseq !== 0) return false;
  selected.isStale = true;
  selected.isHalfTold = false;
  return true;
}

/** Nothing but messages came, and the session knew all before them: EXISTS says it. */
export function isArrivalTo(selected: SelectedMailbox, change: MailboxChange): boolean {
  const { modseq, flagModseq } = selected;
  // What is found again of an arrival, only the engine knows.
  if (selected.contexts.length > 0) return false;
  // And of \Recent ones how many there are, where a UID was left out.
  const isWhole = change.uidNext - selected.uidNext === change.messages - selected.count;
  if (selected.recent !== undefined && !isWhole) return false;
  return change.isArrivalOnly && modseq === change.fromModseq && flagModseq === change.fromModseq;
}

/** Of the notice that is being told: ten thousand who idle are told it in the same octets. */
let said: { readonly change: MailboxChange; readonly octets: Uint8Array } | undefined;

function existsOf(change: MailboxChange): Uint8Array {
  if (said?.change !== change) {
    said = { change, octets: latin1(`* ${change.messages} EXISTS\r\n`) };
  }
  return said.octets;
}

export function tellArrival(
  session: CommandSession,
  selected: SelectedMailbox,
  change: MailboxChange,
): void {
  const recentFrom = claimArrived(session, selected, change.uidNext);
  selected.modseq = change.modseq;
  selected.flagModseq = change.modseq;
  selected.uidNext = change.uidNext;
  selected.count = change.messages;
  selected.isStale = false;
  if (recentFrom === undefined) {
    session.send(existsOf(change));
    return;
  }
  selected.recent!.count += change.uidNext - recentFrom;
  session.respond((writer) => {
    writeCount(writer, change.messages, 'EXISTS');
    writeRecent(writer, selected);
  });
}
