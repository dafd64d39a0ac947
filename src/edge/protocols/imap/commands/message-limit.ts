/**
 * How many messages one command may be worked on, where settings say so: the newest, and the client is told how far
 * down that went.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9738 §3.1 (MESSAGELIMIT; COPY does all or nothing; none for EXPUNGE and CLOSE), §3.4 (`$`).
 * Invariant: the engine is asked only where the mailbox and the set are both larger than the limit.
 */

import { imapAsks, type PackedSet } from '../../../../actors/asks/imap-asks.ts';
import type { PackedNewest } from '../../../../actors/asks/imap-search-asks.ts';
import { type Failure, failure } from '../../../../base/errors.ts';
import type { PartialRange } from '../../../../mail/wire/imap/parse-window.ts';
import { untagged, writeStatus } from '../../../../mail/wire/imap/response-status.ts';
import type { Criteria } from '../../../../mail/wire/imap/search-keys.ts';
import { cutRanges, normaliseSet, star } from '../../../../mail/wire/imap/sequence-set.ts';
import { type CommandEnd, no } from '../answers.ts';
import type { CommandSession } from '../command.ts';
import { viewOf } from '../selected.ts';
import type { AskedSet } from './sets.ts';

/** What a command is worked on. */
export interface Limited<Asked> {
  readonly asked: Asked;
  /** Of its answer: the limit, and the lowest UID that is worked on; "" where that is all that was asked for. */
  readonly code: string;
}

/** 0: there is no limit. */
export function countMaxOf({ service }: CommandSession): number {
  return service.policy.limits.messagesPerCommandMax;
}

/** Of COPY and APPEND, which may be limited alone. 0: there is no limit. */
export function savedMaxOf({ service }: CommandSession): number {
  const { messagesPerCommandMax, savedMessagesPerCommandMax } = service.policy.limits;
  return messagesPerCommandMax > 0 ? messagesPerCommandMax : savedMessagesPerCommandMax;
}

/** `lowest` 0: it is not known, or there is none. */
export function limitCode(countMax: number, lowest = 0): string {
  return lowest > 0 ? `MESSAGELIMIT ${countMax} ${lowest}` : `MESSAGELIMIT ${countMax}`;
}

/** More was asked for than is worked on at once, and nothing of it is done. */
export function tooMany(code: string): CommandEnd {
  return no('Too many messages for one command', code);
}

/** RFC 9738 §3.1: a part that is larger than the limit is refused. */
export function isPartTooLarge(session: CommandSession, part: PartialRange | undefined): boolean {
  const countMax = countMaxOf(session);
  return countMax > 0 && part !== undefined && part.last - part.first >= countMax;
}

/** The newest of a set. `changedSince` -1: whatever their modseq. */
export async function newestOf(
  session: CommandSession,
  asked: AskedSet,
  countMax: number,
  changedSince = -1,
): Promise<Limited<AskedSet> | Failure> {
  const all = { asked, code: '' };
  if (countMax === 0 || isWithin(asked.set, countMax)) return all;
  const found = await newestUids(session, [asked], countMax, changedSince);
  if (found === undefined) return all;
  if ('ok' in found) return found;
  return { asked: { set: found, isUids: true }, code: limitCode(countMax, found[0]) };
}

/** A search among the newest of the messages it names. */
export async function newestToSearch(
  session: CommandSession,
  criteria: Criteria,
): Promise<Limited<Criteria> | Failure> {
  const all = { asked: criteria, code: '' };
  const countMax = countMaxOf(session);
  if (countMax === 0) return all;
  const { saved, count } = session.selected!;
  const keys = keysOf(criteria);
  const sets: AskedSet[] = [];
  let changedSince = -1;
  for (const key of keys) {
    if (key.op === 'modseq') changedSince = Math.max(changedSince, key.modseq - 1);
    if (key.op !== 'set') continue;
    if (key.isSaved) sets.push({ set: saved, isUids: true });
    else if (key.isUid) sets.push({ set: key.ranges, isUids: true });
    // Numbers past the end are no error in a search.
    else sets.push({ set: cutRanges(normaliseSet(key, count), count), isUids: false });
  }
  if (sets.some(({ set }) => isWithin(set, countMax))) return all;
  const found = await newestUids(session, sets, countMax, changedSince);
  if (found === undefined) return all;
  if ('ok' in found) return found;
  const within: Criteria = { op: 'set', isUid: true, isSaved: false, ranges: found };
  return { asked: { op: 'and', keys: [...keys, within] }, code: limitCode(countMax, found[0]) };
}

/** All of them must match. */
function keysOf(criteria: Criteria): readonly Criteria[] {
  return criteria.op === 'and' ? criteria.keys.flatMap(keysOf) : [criteria];
}

/** Undefined: there are no more than that. */
async function newestUids(
  session: CommandSession,
  sets: readonly AskedSet[],
  countMax: number,
  changedSince: number,
): Promise<PackedSet | Failure | undefined> {
  const { selected } = session;
  // Who asks may have waited before, and the session have ended.
  if (selected === undefined) return failure('not-possible-now', 'the session ended');
  if (selected.count <= countMax) return undefined;
  const packed = sets.map(({ isUids, set }) => [isUids, set] as const);
  const { owner } = selected;
  const meta: PackedNewest = [owner.id, viewOf(selected), packed, countMax, changedSince];
  const answer = await session.ask(imapAsks.newest, meta, { to: owner });
  if (!answer.ok) return answer;
  return (answer.value as PackedSet | null) ?? undefined;
}

/** It names no more than that, whatever the mailbox has. */
export function isWithin(set: PackedSet, countMax: number): boolean {
  let count = 0;
  for (let i = 0; i < set.length && count <= countMax; i += 2) {
    const [first, last] = [set[i]!, set[i + 1]!];
    if (first !== last && (first === star || last === star)) return false;
    count += Math.abs(last - first) + 1;
  }
  return count <= countMax;
}

/** The end of a command that did what it could: RFC 9738 §3.1, beside another code it is told in an untagged NO. */
export function endLimited(session: CommandSession, end: CommandEnd, code: string): CommandEnd {
  if (code === '') return end;
  if (typeof end !== 'function') {
    if (end.condition !== 'OK') return end;
    if (end.code === '') return { ...end, code, text: `${end.text} for the newest messages alone` };
  }
  session.respond((writer) => writeStatus(writer, untagged, 'NO', code, 'The newest alone'));
  return end;
}
