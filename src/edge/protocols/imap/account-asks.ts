/**
 * What asks of IMAP sessions are made of.
 *
 * Runs in:   edge (main thread).
 */

import type { PackedOwner } from '../../../actors/asks/imap-asks.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { AskOptions } from '../session/account-asks.ts';

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
