/**
 * What IMAP sessions ask of the directory.
 *
 * Runs in:   main thread.
 * Invariant: a new quota is in the directory and in the account's shard when it is answered.
 */

import type { Answer } from '../actors/ask.ts';
import { mailboxAsks } from '../actors/asks/mailbox-asks.ts';
import { type Failure, failureOf } from '../base/errors.ts';
import type { AccountQuota, ImapAccounts } from '../edge/protocols/imap/accounts.ts';
import type { Account, AccountDirectory } from '../ports/account-directory.ts';
import type { GroupStore } from '../ports/groups.ts';
import { type AccountAskParts, askAccount, putAccount } from './control/account-asks.ts';

export interface ImapAccountsParts extends AccountAskParts {
  readonly directory: AccountDirectory;
  readonly groups: GroupStore;
}

export function imapAccounts(parts: ImapAccountsParts): ImapAccounts {
  const { directory, groups } = parts;
  return {
    groupsOf: (id) => directory.groupsOf(id),
    group: (of) => groups.group(of),
    groupByAddress: (tenant, address) => groups.groupByAddress(tenant, address),
    accountByAddress: (address) => directory.accountByAddress(address),
    accountById: (id) => directory.accountById(id),
    sharers: (reader) => directory.sharersFor(reader),
    noteSharing: (owner, identifier, isNamed) => directory.noteSharing(owner, identifier, isNamed),
    async use(account: Account): Promise<Answer> {
      try {
        return await askAccount(parts, account, mailboxAsks.use, [account.id]);
      } catch (error) {
        return failureOf(error);
      }
    },
    async setQuota(account: Account, quota: AccountQuota): Promise<Failure | undefined> {
      try {
        const own = { quotaBytes: quota.bytes, quotaMessages: quota.messages };
        const change = (row: Account) => ({ ...row, ...own, inherits: [] });
        await putAccount(parts, await directory.changeAccount(account.id, change));
        return undefined;
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}
