/**
 * COPY and MOVE from one account to another: messages are read whole from one actor and appended by the other.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.4.7 (COPY does all or nothing), §6.4.8 (MOVE).
 * Limits:    one window of messages is under way, and has its room as an APPEND has.
 * Invariant: MOVE takes the originals out only once every copy is on disk: killed between, messages stand in both
 *            mailboxes, never in none. What was copied before a refusal is taken back.
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

export async function copyBetween(
  session: CommandSession,
  { set, isUids }: AskedSet,
  to: MailboxPlace,
  isMove: boolean,
): Promise<{ readonly ok: true; readonly value: Copied } | Failure> {
  const selected = session.selected!;
  const progress: Progress = { uidValidity: 0, sources: [], targets: [], appends: [] };
  const source = ownerOf(selected.owner);
  for (let from = 1; ; ) {
    const meta: PackedReadMessages = [source, viewOf(selected), isUids, set, from];
    const read = await session.ask(imapAsks.readMessages, meta, { to: selected.owner });
    const failed = read.ok
      ? await appendAll(session, to, read.value as readonly MessageRecord[], read.body, progress)
      : read;
    if (failed !== undefined) return await takenBack(session, to, progress, failed);
    const last = (read.ok ? (read.value as readonly MessageRecord[]) : []).at(-1);
    if (last === undefined) break;
    from = last[0] + 1;
  }
  const { uidValidity, sources, targets } = progress;
  if (isMove && sources.length > 0) {
    const meta = [source, viewOf(selected), sources];
    const taken = await session.ask(imapAsks.takeOut, meta, { to: selected.owner });
    // They may be out in spite of it: the copies stay, or there would be none.
    if (!taken.ok) return taken;
  }
  return { ok: true, value: { uidValidity, sources, targets } };
}

/** A window's messages, all or none of them. Undefined where all went well. */
async function appendAll(
  session: CommandSession,
  { owner, path }: MailboxPlace,
  messages: readonly MessageRecord[],
  body: Uint8Array | undefined,
  progress: Progress,
): Promise<Failure | undefined> {
  if (body === undefined || messages.length === 0) return undefined;
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
  const options = { to: owner, key: id, body: [body], class: 'long' } as const;
  try {
    const answer = await session.ask(imapAsks.append, meta, options);
    if (!answer.ok) return answer;
    const { uidValidity, uids } = answer.value as Appended;
    progress.uidValidity ||= uidValidity;
    // Deleted and made anew meanwhile: UIDs of two mailboxes cannot be told together.
    if (uidValidity !== progress.uidValidity) return failure('not-found', path);
    for (const [uid] of messages) addTo(progress.sources, [uid, uid]);
    addTo(progress.targets, uids);
    return undefined;
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
): Promise<Failure> {
  if (appends.length === 0) return failed;
  const meta = [ownerOf(owner), path, appends];
  await session.ask(imapAsks.takeBack, meta, { to: owner });
  return failed;
}
