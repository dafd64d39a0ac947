/**
 * What a milter that was told of a session before its message still has to hear, and what its words then mean.
 *
 * Runs in:   engine threads; pure.
 * Invariant: it was told of recipients as the client named them, and names them so when it takes one out: all goes that
 *            the name led to, but what another name that stays leads to.
 */

import type { CarriedKnown, ToldRecipient } from '../../ports/carried-scans.ts';
import type { ScanEdit, ScanSubject } from '../../ports/content-scanner.ts';
import type { MilterFound } from './milter-session.ts';

/** To be told at DATA. One that was told of none hears of all, as they stand by then. */
export function recipientsToTell(subject: ScanSubject, known?: CarriedKnown): readonly string[] {
  const { recipients = [] } = known ?? {};
  if (!recipients.some(({ isTold }) => isTold)) return subject.recipients;
  return recipients.filter(({ isTold }) => !isTold).map(({ address }) => address);
}

export function inAddresses(found: MilterFound, { recipients }: CarriedKnown): MilterFound {
  if (!('edits' in found) || !recipients.some(({ isTold }) => isTold)) return found;
  const isRemoved = (address: string) =>
    found.edits.some((edit) => edit.kind === 'remove-recipient' && isSame(edit.address, address));
  const kept = recipients.filter(({ address }) => !isRemoved(address));
  const stays = (address: string) =>
    kept.some(({ leadsTo }) => leadsTo.some((other) => isSame(other, address)));
  const edits = found.edits.flatMap((edit): readonly ScanEdit[] =>
    edit.kind === 'remove-recipient' ? removals(edit.address, recipients, stays) : [edit],
  );
  return { ...found, edits };
}

function removals(
  removed: string,
  recipients: readonly ToldRecipient[],
  stays: (address: string) => boolean,
): readonly ScanEdit[] {
  const named = recipients.filter(({ address }) => isSame(address, removed));
  // One that another scanner added, which the client did not name.
  if (named.length === 0) return [{ kind: 'remove-recipient', address: removed }];
  const gone = named.flatMap(({ leadsTo }) => leadsTo).filter((address) => !stays(address));
  return gone.map((address) => ({ kind: 'remove-recipient', address }));
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
