/**
 * What a POP3 session numbers: the messages INBOX had at log-in, from the first one it sees.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 1939 §4 (numbers stay as they are for the session), §7 (UIDL).
 * Invariant: a number means the same message for the whole session; one that somebody else expunged meanwhile is
 *            passed over, as a deleted one is.
 */

import { Buffer } from 'node:buffer';
import type {
  NumberRanges,
  OpenedMaildrop,
  PackedListing,
  PackedMaildrop,
} from '../../../actors/asks/pop3-asks.ts';
import { inboxMailbox } from '../account-actor.ts';
import type { ImapDesk } from '../imap/desk.ts';
import { messagesIn } from '../imap/messages.ts';
import type { View } from '../imap/view.ts';
import { addId, idsOf } from '../rows/uid-ranges.ts';

export type MaildropDesk = Pick<ImapDesk, 'shard' | 'reader' | 'views'>;

const nothing: OpenedMaildrop = {
  modseq: 0,
  uidNext: 1,
  uidValidity: 0,
  messages: 0,
  bytes: 0,
};

/** An account nobody delivered to has no rows, and needs none for this. */
export function openMaildrop({ reader }: MaildropDesk, account: number): OpenedMaildrop {
  const row = reader.mailbox(account, inboxMailbox);
  if (row === undefined) return nothing;
  const { highestModseq: modseq, uidNext, uidValidity, messages, bytes } = row;
  return { modseq, uidNext, uidValidity, messages, bytes };
}

export function viewOfDrop(
  { views }: MaildropDesk,
  [account, modseq, uidNext]: PackedMaildrop,
): View | Promise<View> {
  return views.view({ account, mailbox: inboxMailbox, modseq, uidNext });
}

export interface DropMessage {
  readonly number: number;
  readonly uid: number;
  readonly document: number;
}

/** Those of the numbers that are still there, ascending. */
export function* messagesOfDrop(
  { shard }: MaildropDesk,
  [account, , , hidden]: PackedMaildrop,
  view: View,
  numbers: NumberRanges,
): IterableIterator<DropMessage> {
  const uids: number[] = [];
  for (const number of idsOf(numbers)) {
    const uid = view.uidOf(number + hidden);
    if (uid > 0) addId(uids, uid);
  }
  for (const { uid, slot, block } of messagesIn(shard, { account, mailbox: inboxMailbox }, uids)) {
    yield { number: view.sequenceOf(uid) - hidden, uid, document: block.documents[slot]! };
  }
}

/** Lines of LIST or UIDL. */
export async function listMaildrop(
  desk: MaildropDesk,
  [drop, uidValidity, numbers]: PackedListing,
): Promise<Buffer> {
  const view = await viewOfDrop(desk, drop);
  let text = '';
  for (const { number, uid, document } of messagesOfDrop(desk, drop, view, numbers)) {
    if (uidValidity > 0) {
      text += `${number} ${uidValidity}.${uid}\r\n`;
      continue;
    }
    const row = desk.reader.document(drop[0], document);
    if (row !== undefined) text += `${number} ${row.size}\r\n`;
  }
  return Buffer.from(text, 'latin1');
}

/** Octets of all that are still there. */
export async function sizeOfMessages(
  desk: MaildropDesk,
  drop: PackedMaildrop,
  numbers: NumberRanges,
): Promise<number> {
  const view = await viewOfDrop(desk, drop);
  let bytes = 0;
  for (const { document } of messagesOfDrop(desk, drop, view, numbers)) {
    bytes += desk.reader.document(drop[0], document)?.size ?? 0;
  }
  return bytes;
}
