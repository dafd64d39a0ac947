/**
 * What sessions ask of accounts besides their own: who an address is, and what operators may change over IMAP.
 *
 * Runs in: edge (main thread).
 */

import type { Answer } from '../../../actors/ask.ts';
import type { Failure } from '../../../base/errors.ts';
import type { AccountId, GroupId } from '../../../base/ids.ts';
import type { Account, Eventually } from '../../../ports/account-directory.ts';
import type { Group } from '../../../ports/groups.ts';

/** 0 is no limit. */
export interface AccountQuota {
  readonly bytes: number;
  readonly messages: number;
}

export interface ImapAccounts {
  accountById(id: AccountId): Eventually<Account | undefined>;
  /** At once: each ask to another's account names them. */
  groupsOf(id: AccountId): Eventually<readonly GroupId[]>;
  group(of: Pick<Group, 'tenant' | 'id'>): Eventually<Group | undefined>;
  groupByAddress(tenant: Account['tenant'], address: string): Eventually<Group | undefined>;
  /** Whoever gave this account, its groups or anyone rights to a mailbox: maybe more than those, never fewer. */
  sharers(reader: AccountId): Eventually<readonly AccountId[]>;
  /** Notes that lists of `owner` name the identifier, or do not any more. On disk when it resolves. */
  noteSharing(owner: AccountId, identifier: number, isNamed: boolean): Promise<void>;
  accountByAddress(address: string): Eventually<Account | undefined>;
  /** Answer: `AccountUse`. */
  use(account: Account): Promise<Answer>;
  /** On disk when it resolves; undefined where all went well. */
  setQuota(account: Account, quota: AccountQuota): Promise<Failure | undefined>;
}
