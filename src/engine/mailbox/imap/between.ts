/**
 * What copies between accounts are made of: messages read whole, taken out, and taken back.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.4.7 (COPY does all or nothing), §6.4.8 (MOVE).
 * Limits:    a window ends at `windowBytes` or `windowMessages`; one message is told whole, whatever its size.
 * Invariant: only what an append put there is taken back, by the append's own id. What is moved is not: another session
 *            may count on the copy.
 */

import type {
  MessageRecord,
  PackedAppendName,
  PackedReadMessages,
} from '../../../actors/asks/imap-asks.ts';
import type { MessageId } from '../../../base/ids.ts';
import { mebibyte } from '../../../base/units.ts';
import { rangesFrom } from '../../../mail/wire/imap/sequence-set.ts';
import { appendedUid } from '../append.ts';
import { addId } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';
import { areNamed, keywordsOf, systemFlagsOf } from './flags-of.ts';
import { messagesIn, uidRangesOf } from './messages.ts';

const windowBytes = mebibyte;
const windowMessages = 100;

export interface MessagesRead {
  readonly messages: readonly MessageRecord[];
  /** In the order of `messages`. */
  readonly bodies: readonly Uint8Array[];
}

/** Messages of a set from UID `from` up, as far as one window goes. */
export async function readMessages(
  { reader, shard, views }: Pick<ImapDesk, 'reader' | 'shard' | 'views'>,
  [[account], [mailbox, modseq, uidNext], isUid, set, from]: PackedReadMessages,
): Promise<MessagesRead> {
  const view = await views.view({ account, mailbox, modseq, uidNext });
  const keywords = reader.mailbox(account, mailbox)?.keywords ?? [];
  const messages: MessageRecord[] = [];
  const bodies: Uint8Array[] = [];
  let bytes = 0;
  const ranges = rangesFrom(uidRangesOf(view, set, isUid), from);
  for (const { uid, slot, block } of messagesIn(shard, { account, mailbox }, ranges)) {
    if (messages.length >= windowMessages || bytes >= windowBytes) break;
    if (view.sequenceOf(uid) === 0) continue;
    // Given while a body was read: the next window knows its name.
    if (!areNamed(block, slot, keywords)) break;
    const flags = systemFlagsOf(block, slot);
    const named = keywordsOf(block, slot, keywords);
    const row = reader.document(account, block.documents[slot]!);
    if (row === undefined) continue;
    if (bytes + row.size > windowBytes && messages.length > 0) break;
    const body = await reader.bytes(row);
    messages.push([uid, flags, named, row.internalMs, body.byteLength]);
    bodies.push(body);
    bytes += body.byteLength;
  }
  return { messages, bodies };
}

/** Takes out messages that these appends of the mailbox put there, and that are there still. */
export async function takeBack(
  { shard, mailboxes }: Pick<ImapDesk, 'shard' | 'mailboxes'>,
  { account, tenant }: Owner,
  mailbox: number,
  appends: readonly PackedAppendName[],
): Promise<void> {
  const found = appends.flatMap(([id, count]) =>
    Array.from({ length: count }, (_, n) =>
      appendedUid(shard, account, mailbox, id as MessageId, n),
    ),
  );
  const uids: number[] = [];
  for (const uid of found.filter((one) => one > 0).sort((a, b) => a - b)) addId(uids, uid);
  if (uids.length > 0) await mailboxes.expunge(account, tenant, mailbox, uids);
}
