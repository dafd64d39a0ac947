/**
 * A search from its first piece to its last, whatever command it is for.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9585 (INPROGRESS).
 * Limits:    between two words of progress at least `progressMs` pass; what was found is kept as ranges, 8 bytes each.
 * Invariant: who is gone, or has selected another mailbox, searches no further.
 */

import { Buffer } from 'node:buffer';
import { imapAsks, type PackedView, type UidRanges } from '../../../../actors/asks/imap-asks.ts';
import type { Found, PackedSearch } from '../../../../actors/asks/imap-search-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import { secondMs } from '../../../../base/units.ts';
import type { ResponseWriter } from '../../../../mail/wire/imap/response.ts';
import type { ResponseParts } from '../../../../mail/wire/imap/response-search.ts';
import { untagged, writeStatus } from '../../../../mail/wire/imap/response-status.ts';
import type { Criteria } from '../../../../mail/wire/imap/search-keys.ts';
import type { Account } from '../../../../ports/account-directory.ts';
import type { CommandSession } from '../command.ts';
import { recentOf, withoutRecent } from '../recent.ts';
import { type SelectedMailbox, viewOf } from '../selected.ts';

const progressMs = 10 * secondMs;

export interface SearchAsked {
  readonly criteria: Criteria;
  /** Bits of `searchWants`. */
  readonly wants: number;
  /** So many are enough, 0: all. */
  readonly enough?: number;
  readonly isFromEnd?: boolean;
}

export interface Searched extends Omit<Found, 'uidsLength' | 'looked' | 'next'> {
  readonly ok: true;
  /** Ranges, ascending; empty where not wanted. */
  readonly uids: Uint32Array;
  readonly numbers: Uint32Array;
}

/** What is searched: the selected mailbox, or another as it is now. */
export interface SearchTarget {
  readonly owner: Account;
  readonly view: PackedView;
  /** Messages in it. */
  readonly count: number;
  readonly saved: UidRanges;
  /** What is \Recent to the session. */
  readonly recent: UidRanges;
}

export function targetOf(selected: SelectedMailbox): SearchTarget {
  const { owner, count, saved } = selected;
  return { owner, view: viewOf(selected), count, saved, recent: recentOf(selected) };
}

/** Undefined: nobody waits for it any more. */
export async function runSearch(
  session: CommandSession,
  tag: string,
  { owner, view, count, saved, recent }: SearchTarget,
  asked: SearchAsked,
): Promise<Searched | Failure | undefined> {
  const { wants, enough = 0, isFromEnd = false } = asked;
  const criteria = withoutRecent(asked.criteria, recent);
  const kind = readsText(criteria) ? 'long' : 'short';
  const progress = new Progress(session, tag, count);
  const pieces = new Pieces(isFromEnd);
  let cursor = 0;
  for (;;) {
    const left = enough === 0 ? 0 : enough - pieces.count;
    const how = [wants, left, isFromEnd, cursor] as const;
    const meta: PackedSearch = [owner.id, view, criteria, saved, ...how];
    const answer = await session.ask(imapAsks.search, meta, { class: kind, to: owner });
    if (session.isEnded) return undefined;
    if (!answer.ok) return answer;
    const found = answer.value as Found;
    pieces.add(found, answer.body);
    if (found.next === undefined || (enough > 0 && pieces.count >= enough)) return pieces.all();
    cursor = found.next;
    progress.tell(found.looked);
  }
}

/** Says how far a search has come: a client may take a long silence for a dead connection. */
class Progress {
  readonly #session: CommandSession;
  readonly #tag: string;
  readonly #goal: number;
  #looked = 0;
  #toldMs: number;

  constructor(session: CommandSession, tag: string, goal: number) {
    this.#session = session;
    this.#tag = tag;
    this.#goal = goal;
    this.#toldMs = session.service.clock.monotonicMs();
  }

  tell(looked: number): void {
    this.#looked = Math.min(this.#goal, this.#looked + looked);
    const nowMs = this.#session.service.clock.monotonicMs();
    if (nowMs - this.#toldMs < progressMs) return;
    this.#toldMs = nowMs;
    const code = `INPROGRESS ("${this.#tag}" ${this.#looked} ${this.#goal})`;
    this.#session.respond((writer) => writeStatus(writer, untagged, 'OK', code, 'Searching'));
  }
}

const noNumbers = new Uint32Array(0);

/** What the pieces of a search found, put together. */
class Pieces {
  readonly #isFromEnd: boolean;
  readonly #uids: Uint32Array[] = [];
  readonly #numbers: Uint32Array[] = [];
  count = 0;
  #modseq = 0;
  #first: Found | undefined;
  #last: Found | undefined;

  constructor(isFromEnd: boolean) {
    this.#isFromEnd = isFromEnd;
  }

  add(found: Found, body: Uint8Array | undefined): void {
    if (found.count === 0) return;
    this.count += found.count;
    this.#modseq = Math.max(this.#modseq, found.modseq);
    if (this.#first === undefined || this.#isFromEnd) this.#first = found;
    if (this.#last === undefined || !this.#isFromEnd) this.#last = found;
    const all = numbersIn(body);
    this.#uids.push(all.subarray(0, found.uidsLength));
    this.#numbers.push(all.subarray(found.uidsLength));
  }

  all(): Searched {
    const [first, last] = [this.#first, this.#last];
    return {
      ok: true,
      count: this.count,
      minUid: first?.minUid ?? 0,
      maxUid: last?.maxUid ?? 0,
      min: first?.min ?? 0,
      max: last?.max ?? 0,
      modseq: this.#modseq,
      minModseq: first?.minModseq ?? 0,
      maxModseq: last?.maxModseq ?? 0,
      uids: this.#joined(this.#uids),
      numbers: this.#joined(this.#numbers),
    };
  }

  /** Ranges that touch where two pieces meet become one. */
  #joined(pieces: readonly Uint32Array[]): Uint32Array {
    if (pieces.length <= 1) return pieces[0] ?? noNumbers;
    const ascending = this.#isFromEnd ? [...pieces].reverse() : pieces;
    const all = new Uint32Array(ascending.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of ascending) {
      const touches = at > 0 && piece.length > 0 && all[at - 1] === piece[0]! - 1;
      const rest = touches ? piece.subarray(1) : piece;
      if (touches) at--;
      all.set(rest, at);
      at += rest.length;
    }
    return all.subarray(0, at);
  }
}

/** An answer's body as u32. */
export function numbersIn(body: Uint8Array | undefined): Uint32Array {
  if (body === undefined) return noNumbers;
  const numbers = new Uint32Array(body.byteLength / 4);
  Buffer.from(numbers.buffer).set(body);
  return numbers;
}

/** Parts said between two looks at the other sessions. */
const turnParts = 8;

/** A response that may be long: as the client takes it, and never all of it in one turn. */
export async function respondInParts(
  session: CommandSession,
  write: (writer: ResponseWriter) => ResponseParts,
): Promise<void> {
  const parts = write(session.service.writer);
  for (let said = 1; ; said++) {
    let isDone = false;
    session.respond(() => {
      isDone = parts.next().done === true;
    });
    if (isDone) return;
    await session.room();
    if (session.isEnded) return;
    if (said % turnParts === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function some(criteria: Criteria, test: (key: Criteria) => boolean): boolean {
  switch (criteria.op) {
    case 'not':
      return some(criteria.key, test);
    case 'or':
      return some(criteria.left, test) || some(criteria.right, test);
    case 'and':
      return criteria.keys.some((key) => some(key, test));
    default:
      return test(criteria);
  }
}

/** By message numbers, which UIDONLY rules out. */
export function usesNumbers(criteria: Criteria): boolean {
  return some(criteria, (key) => key.op === 'set' && !key.isUid && !key.isSaved);
}

/** Messages, or rows of all of them, must be looked at. */
export function readsText(criteria: Criteria): boolean {
  return some(criteria, ({ op }) => op === 'text' || op === 'header');
}
