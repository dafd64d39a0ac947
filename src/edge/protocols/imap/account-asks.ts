/**
 * What asks of IMAP sessions are made of.
 *
 * Runs in:   edge (main thread).
 */

import type { imapAsks, PackedOwner } from '../../../actors/asks/imap-asks.ts';
import type { Account } from '../../../ports/account-directory.ts';

export type ImapAsk = (typeof imapAsks)[keyof typeof imapAsks];

export function ownerOf({ id, tenant, quotaBytes }: Account): PackedOwner {
  return [id, tenant, quotaBytes];
}
