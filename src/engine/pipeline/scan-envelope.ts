/**
 * An envelope with the changes done to it that scanners asked for.
 *
 * Runs in:   engine threads.
 * Limits:    `recipientsAddedMax` for a message; finding out where one leads takes `resolveMsMax`.
 * Invariant: all of the changes or none: a recipient that cannot be added has the message asked for later. Who is a
 *            recipient already is not added again.
 */

import type { Envelope, EnvelopeRecipient } from '../../actors/asks/reception.ts';
import { type PackedRecipient, unpackRecipient } from '../../actors/asks/spool-asks.ts';
import { failure, type Result } from '../../base/errors.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanEdit } from '../../ports/content-scanner.ts';

export const recipientsAddedMax = 100;
const resolveMsMax = 10 * secondMs;

/** Where mail for an address goes; none: nowhere. Undefined: nobody says so now. */
export type ResolveRecipient = (
  address: string,
) => Promise<readonly EnvelopeRecipient[] | undefined>;

export function changesEnvelope({ kind }: ScanEdit): boolean {
  return kind === 'change-sender' || kind === 'add-recipient' || kind === 'remove-recipient';
}

/** Where mail goes as the main thread knows it, with an end to the wait. */
export function recipientResolver(
  resolve: (address: string) => Promise<readonly PackedRecipient[]>,
  clock: Pick<Clock, 'setTimer'>,
): ResolveRecipient {
  return (address) =>
    new Promise((answer) => {
      const timer = clock.setTimer(resolveMsMax, () => answer(undefined));
      const end = (found: readonly PackedRecipient[] | undefined) => {
        timer.cancel();
        answer(found?.map(unpackRecipient));
      };
      resolve(address).then(end, () => end(undefined));
    });
}

/** The same envelope where nothing changes. One without recipients: all were taken out. */
export async function withEnvelopeEdits(
  envelope: Envelope,
  edits: readonly ScanEdit[],
  resolve: ResolveRecipient,
): Promise<Result<{ readonly envelope: Envelope }>> {
  let { sender, recipients } = envelope;
  let added = 0;
  for (const edit of edits) {
    if (edit.kind === 'change-sender') {
      if (edit.address !== '' && !isMailbox(edit.address)) return unfit('a sender that is none');
      sender = edit.address;
    } else if (edit.kind === 'remove-recipient') {
      recipients = recipients.filter(({ address }) => !isSame(address, edit.address));
    } else if (edit.kind === 'add-recipient') {
      if (recipients.some(({ address }) => isSame(address, edit.address))) continue;
      if (!isMailbox(edit.address)) return unfit('a recipient that is none');
      if (++added > recipientsAddedMax) return unfit('recipients without end');
      const found = await resolve(edit.address);
      if (found === undefined || found.length === 0)
        return unfit(`a recipient that leads nowhere: ${edit.address}`);
      const known = recipients;
      const isNew = ({ address }: EnvelopeRecipient) =>
        !known.some((other) => isSame(other.address, address));
      recipients = [...known, ...found.filter(isNew)];
    }
  }
  const isAsItWas = sender === envelope.sender && recipients === envelope.recipients;
  if (isAsItWas) return { ok: true, envelope };
  const international = [sender, ...recipients.map(({ address }) => address)].some(
    (address) => !/^[\0-\x7f]*$/.test(address),
  );
  const smtputf8 = envelope.smtputf8 || international;
  return { ok: true, envelope: { ...envelope, sender, recipients, smtputf8 } };
}

/** Not taken and not refused for good: the scanner's fault, which its operator mends. */
function unfit(why: string) {
  return failure('verdict-missing', `it asks for ${why}`);
}

function isMailbox(address: string): boolean {
  return /^[^@]{1,64}@[^@.][^@]{0,254}$|^"[^\0-\x1f\x7f"\\]{1,62}"@[^@]{1,255}$/.test(address);
}

/** Local parts may be told apart by case; a recipient that is named in another one is the same to a scanner. */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
