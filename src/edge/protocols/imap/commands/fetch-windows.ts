/**
 * FETCH responses window by window, and VANISHED, for all commands that answer with them.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §7.5.2; RFC 7162 §3.2.10 (VANISHED).
 */

import {
  type FetchCursor,
  type Fetched,
  fetchItems,
  imapAsks,
  type PackedFetch,
  type PackedSection,
  type PackedSet,
  type PackedVanished,
} from '../../../../actors/asks/imap-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import { writeVanished } from '../../../../mail/wire/imap/response-data.ts';
import { rangesFrom, star } from '../../../../mail/wire/imap/sequence-set.ts';
import { ownerOf } from '../account-asks.ts';
import type { CommandSession } from '../command.ts';
import { recentOf } from '../recent.ts';
import { type SelectedMailbox, viewOf } from '../selected.ts';
import { tellKeywords } from '../telling.ts';

export const allUids: PackedSet = [1, star];

export interface AskedMessages {
  readonly set: PackedSet;
  readonly isUids: boolean;
  /** Bits of `fetchItems`. */
  readonly items: number;
  readonly sections: readonly PackedSection[];
  readonly marksSeen: boolean;
  /** -1: whatever their modseq. */
  readonly changedSince: number;
}

/**
 * The next window is made while the client reads this one. Not of a message so large that it was cut: its octets would
 * wait here for a client that may be slow. Nor where being fetched changes messages: only what is sent was read.
 */
function mayAskAhead([, , , lease]: FetchCursor, marksSeen: boolean): boolean {
  return lease === 0 && !marksSeen;
}

/** Undefined once all is told or the session has ended; what could not be asked for otherwise. */
export async function fetchAll(
  session: CommandSession,
  { items, sections, marksSeen, changedSince, ...named }: AskedMessages,
): Promise<Failure | undefined> {
  const { selected } = session;
  // Who asks may have waited before, and the session have ended; then there is nobody to tell.
  if (selected === undefined) return undefined;
  // It may end, and be nobody's guest, by the time of a later window.
  const to = selected.owner;
  const owner = ownerOf(to);
  const told = session.isUidOnly ? items | fetchItems.byUid : items;
  const asked = [told, sections, marksSeen && !selected.isReadOnly] as const;
  let { set, isUids } = named;
  let isRest = false;
  const askFrom = (cursor: FetchCursor) => {
    const { flagModseq, keywordCount } = selected;
    const view = viewOf(selected);
    const messages = [isUids, isRest ? rangesFrom(set, cursor[0]) : set] as const;
    const how = [flagModseq, cursor, changedSince, recentOf(selected), keywordCount] as const;
    const meta: PackedFetch = [owner, view, ...messages, ...asked, ...how];
    return session.ask(imapAsks.fetch, meta, { to });
  };
  let cursor: FetchCursor = [0, 0, 0, 0];
  let window = askFrom(cursor);
  for (;;) {
    const answer = await window;
    if (!answer.ok) {
      // Within a literal there is no way to say so: the octets that were promised never come.
      if (cursor[3] > 0) session.cut();
      return answer;
    }
    const { next, rest, flagModseq: known, keywords = [] } = answer.value as Fetched;
    selected.flagModseq = known;
    if (rest !== undefined) {
      [set, isUids] = [rest, true];
      isRest = true;
    }
    const ahead = next !== undefined && mayAskAhead(next, marksSeen) ? askFrom(next) : undefined;
    // Not within a literal.
    if (keywords.length > selected.keywordCount && cursor[3] === 0) {
      tellKeywords(session, selected, keywords);
    }
    if (answer.body !== undefined) session.send(answer.body);
    if (next === undefined) return undefined;
    cursor = next;
    await session.room();
    if (session.isEnded) return undefined;
    window = ahead ?? askFrom(next);
  }
}

/**
 * What was expunged after `modseq`, which the client must have heard of before. A failure must be told: a client that
 * heard nothing takes the new modseq for its own, and never asks again.
 */
export async function tellVanished(
  session: CommandSession,
  selected: SelectedMailbox,
  modseq: number,
  set: PackedSet,
): Promise<Failure | undefined> {
  const { owner } = selected;
  const meta: PackedVanished = [owner.id, viewOf(selected), modseq, set];
  const answer = await session.ask(imapAsks.vanished, meta, { to: owner });
  if (!answer.ok) return answer;
  const uids = answer.value as readonly number[];
  session.respond((writer) => writeVanished(writer, uids, true));
  return undefined;
}
