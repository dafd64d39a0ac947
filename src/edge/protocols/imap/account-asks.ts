/**
 * What asks of IMAP sessions are made of.
 *
 * Runs in:   edge (main thread).
 */

import type { ImapList, OpenedMailbox, PackedOwner } from '../../../actors/asks/imap-asks.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { AskOptions } from '../session/account-asks.ts';
import { weightOf } from '../session/kept-answers.ts';

export interface ImapAskOptions extends AskOptions {
  /** Whose mailboxes are asked about; absent: the session's own, or of whom one is selected. */
  readonly to?: Account;
}

export interface KeptAskOptions extends Pick<ImapAskOptions, 'to'> {
  /** How many mailboxes a good answer is about; absent: one. */
  readonly weigh?: (value: unknown) => number;
}

export function ownerOf({ id, tenant, quotaBytes, quotaMessages = 0 }: Account): PackedOwner {
  return [id, tenant, quotaBytes, quotaMessages];
}

/** For `KeptAnswers`: a mailbox may have a hundred keywords. */
export function weighOpened(value: unknown): number {
  return 1 + weightOf((value as OpenedMailbox).keywords);
}

export function weighList(value: unknown): number {
  const { mailboxes, subscribed } = value as ImapList;
  const names = weightOf(mailboxes.map(({ name }) => name)) + weightOf(subscribed);
  return 1 + mailboxes.length + subscribed.length + names;
}
