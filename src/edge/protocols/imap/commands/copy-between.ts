/**
 * COPY and MOVE from one account to another: messages are read whole from one actor and appended by the other.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.4.7 (COPY does all or nothing), §6.4.8 (MOVE).
 * Limits:    one window of messages is under way, and has its room as an APPEND has.
 * Invariant: MOVE takes the originals of a window out once its copies are on disk, and before the next: killed
 *            between, a window's messages stand in both mailboxes, never in none, and who asks again does not double
 *            them. What COPY brought before a refusal, or before its client was gone, is taken back.
 */

import {
  type Appended,
  type Copied,
  imapAsks,
  type MessageRecord,
  type PackedAppend,
  type PackedAppendName,
  type PackedMessage,
  type PackedReadMessages,
} from '../../../../actors/asks/imap-asks.ts';
import { type Failure, failure } from '../../../../base/errors.ts';
import { ownerOf } from '../account-asks.ts';
import type { CommandSession } from '../command.ts';
import type { MailboxPlace } from '../places.ts';
import { viewOf } from '../selected.ts';
import type { AskedSet } from './sets.ts';

/** Of one command, so far. */
interface Progress {
  uidValidity: number;
  /** Ranges of UIDs: of the messages, and in the same order of their copies. */
  readonly sources: number[];
  readonly targets: number[];
  /** For taking them back. */
  readonly appends: PackedAppendName[];
}

/** What was done, and why no more was: a MOVE may have done some of it (RFC 9051 §6.4.8). */
export interface CopiedBetween {
  readonly value: Copied;
  readonly failed: Failure | undefined;
}

const clientGone = failure('not-possible-now', 'the session ended');

export async function copyBetween(
  session: CommandSession,
  asked: AskedSet,
  to: MailboxPlace,
  isMove: boolean,
): Promise<CopiedBetween> {
  const progress: Progress = { uidValidity: 0, sources: [], targets: [], appends: [] };
  const failed = await allWindows(session, asked, to, isMove, progress);
  if (failed !== undefined && !isMove) return await takenBack(session, to, progress, failed);
  const { uidValidity, sources, targets } = progress;
  return { value: { uidValidity, sources, targets }, failed };
}

async function allWindows(
  session: CommandSession,
  { set, isUids }: AskedSet,
  to: MailboxPlace,
  isMove: boolean,
  progress: Progress,
): Promise<Failure | undefined> {
  const selected = session.selected!;
  const view = viewOf(selected);
  const source = ownerOf(selected.owner);
  for (let from = 1; ; ) {
    const meta: PackedReadMessages = [source, view, isUids, set, from];
    const read = await session.ask(imapAsks.readMessages, meta, { to: selected.owner });
    if (!read.ok) return read;
    // Whoever asks again, for want of an answer, would get what is copied now twice.
    if (session.isEnded) return clientGone;
    const messages = read.value as readonly MessageRecord[];
    const last = messages.at(-1);
    if (last === undefined || read.body === undefined) return undefined;
    const window = { messages, body: read.body, isMove, account: source[0], mailbox: view[0] };
    const appended = await appendAll(session, to, window, progress);
    if ('ok' in appended) return appended;
    const uids: number[] = [];
    for (const [uid] of messages) addTo(uids, [uid, uid]);
    if (isMove) {
      const taken = await session.ask(imapAsks.takeOut, [source, view, uids], {
        to: selected.owner,
      });
      // They may be out in spite of it: the copies stay, or there would be none.
      if (!taken.ok) return taken;
    }
    progress.uidValidity = appended.uidValidity;
    addTo(progress.sources, uids);
    addTo(progress.targets, appended.uids);
    from = last[0] + 1;
  }
}

interface Window {
  readonly messages: readonly MessageRecord[];
  readonly body: Uint8Array;
  readonly isMove: boolean;
  /** Whence. */
  readonly account: number;
  readonly mailbox: number;
}

/** A window's messages, all or none of them. */
async function appendAll(
  session: CommandSession,
  { owner, path }: MailboxPlace,
  { messages, body, isMove, account, mailbox }: Window,
  progress: Progress,
): Promise<Appended | Failure> {
  const { reception, policy } = session.service;
  const refusal = reception.reserve(body.byteLength);
  if (refusal !== undefined) return refusal;
  const id = reception.nextId();
  progress.appends.push([id, messages.length]);
  const packed = messages.map(([, flags, keywords, internalMs, bytes]): PackedMessage => {
    return [flags, keywords, internalMs, [bytes]];
  });
  // What is stored already may be larger than what APPEND takes now.
  const bytesMax = Math.max(policy.limits.messageBytesMax, body.byteLength);
  const meta: PackedAppend = [ownerOf(owner), path, id, bytesMax, packed, null];
  const moved = [account, mailbox, messages.map(([uid]) => uid)] as const;
  const options = { to: owner, key: id, body: [body], class: 'long' } as const;
  try {
    const answer = await session.ask(imapAsks.append, isMove ? [...meta, moved] : meta, options);
    if (!answer.ok) return answer;
    session.usedMailOf(owner);
    const appended = answer.value as Appended;
    const { uidValidity } = progress;
    // Deleted and made anew meanwhile: UIDs of two mailboxes cannot be told together.
    const isOther = uidValidity !== 0 && appended.uidValidity !== uidValidity;
    return isOther ? failure('not-found', path) : appended;
  } finally {
    reception.release(body.byteLength);
  }
}

/** A range that goes on where the last one ends is one with it. */
function addTo(ranges: number[], more: readonly number[]): void {
  for (let i = 0; i < more.length; i += 2) {
    if (ranges.length > 0 && ranges.at(-1) === more[i]! - 1)
      ranges[ranges.length - 1] = more[i + 1]!;
    else ranges.push(more[i]!, more[i + 1]!);
  }
}

async function takenBack(
  session: CommandSession,
  { owner, path }: MailboxPlace,
  { appends }: Progress,
  failed: Failure,
): Promise<CopiedBetween> {
  if (appends.length > 0) {
    const meta = [ownerOf(owner), path, appends];
    await session.ask(imapAsks.takeBack, meta, { to: owner });
  }
  return { value: { uidValidity: 0, sources: [], targets: [] }, failed };
}
