/**
 * RETR and TOP: one window of a message, as octets for the socket.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 1939 §3 (byte-stuffing), §5, §7.
 * Limits:    a window is of `windowBytes` of the message, of `topWindowBytes` for TOP.
 * Invariant: a message whose first window was sent can be read to its end though it is expunged meanwhile.
 */

import type { PackedRetrieve, Retrieved } from '../../../actors/asks/pop3-asks.ts';
import { concat } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { kibibyte } from '../../../base/units.ts';
import { MessageText } from '../../../mail/wire/pop3/message-text.ts';
import type { ImapDesk } from '../imap/desk.ts';
import type { DocumentRow } from '../rows/document-row.ts';
import { messagesOfDrop, viewOfDrop } from './maildrop.ts';

export const windowBytes = 128 * kibibyte;
/** A header and a few lines, as a rule. */
const topWindowBytes = 16 * kibibyte;

export type RetrieveDesk = Pick<ImapDesk, 'shard' | 'reader' | 'views' | 'leases'>;

export interface RetrieveAnswer {
  readonly value: Retrieved;
  readonly body: Uint8Array;
}

/** @throws MailError `not-found` where somebody expunged it before its first window */
export async function retrieve(
  desk: RetrieveDesk,
  packed: PackedRetrieve,
): Promise<RetrieveAnswer> {
  const [[account], , [lease, offset, place]] = packed;
  const row = lease > 0 ? desk.leases.use(lease).row : await rowOf(desk, packed);
  const { size } = row;
  const [, , linesLeft] = place;
  const to = Math.min(size, offset + (linesLeft < 0 ? windowBytes : topWindowBytes));
  const hold = desk.shard.lease(row.place.segment);
  try {
    const text = new MessageText(place);
    text.write(await desk.shard.read(row.place, offset, to - offset));
    if (to < size && !text.isComplete) {
      const kept = lease > 0 ? lease : desk.leases.take({ row, parts: [] }, account);
      return { value: { size, next: [kept, to, text.place] }, body: concat(text.take()) };
    }
    text.end();
    if (lease > 0) desk.leases.release(lease);
    return { value: { size }, body: concat(text.take()) };
  } finally {
    hold.release();
  }
}

async function rowOf(desk: RetrieveDesk, [drop, number]: PackedRetrieve): Promise<DocumentRow> {
  const view = await viewOfDrop(desk, drop);
  for (const { document } of messagesOfDrop(desk, drop, view, [number, number])) {
    const row = desk.reader.document(drop[0], document);
    if (row !== undefined) return row;
  }
  throw new MailError('not-found', `message ${number}`);
}
