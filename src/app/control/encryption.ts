/**
 * Encryption of tenants' accounts: which key a tenant's new accounts get, and new keys for those that have one.
 *
 * Runs in:   main thread.
 * Limits:    keys are changed account by account.
 * Invariant: an account of an encrypting tenant takes no mail and no log-in before its shard has its key on disk: a
 *            crash between leaves an account that is switched off. Asked again, a change of keys goes on where it
 *            stopped: an account's keys are changed whole or not at all.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { mailboxAsks } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { Account } from '../../ports/account-directory.ts';
import { keyReferenceFault } from '../../settings/key-references.ts';
import { type AccountAskParts, askAccount, putAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { spendStoredNumbers } from './spent-accounts.ts';
import { tenantNamed } from './tenant-handlers.ts';

export function encryptionHandlers(parts: ControlParts): ControlHandlers {
  const { directory, settings } = parts;
  return {
    'tenant.encrypt': async ({ name, key, newDataKeys = false }) => {
      const before = await tenantNamed(parts, name);
      const reference = key ?? before.encryptedBy;
      if (reference === undefined) throw new MailError('argument-invalid', 'say by which key');
      const fault = keyReferenceFault(reference);
      if (fault !== undefined) throw new MailError('argument-invalid', `${reference}: ${fault}`);
      if (settings.store.transitKey === '') {
        throw new MailError(
          'not-possible-now',
          'store.transitKey is not set: mail under way is clear',
        );
      }
      const tenant = await directory.changeTenant(before.id, (row) => ({
        ...row,
        encryptedBy: reference,
      }));
      const counts = { encrypted: 0, clear: 0 };
      for (const account of await directory.accounts()) {
        if (account.tenant !== tenant.id) continue;
        const meta = [account.id, reference, newDataKeys] as const;
        const { value } = await askAccount(parts, account, mailboxAsks.rekey, meta);
        if (value === true) counts.encrypted++;
        else counts.clear++;
      }
      return { tenant, ...counts };
    },
  };
}

/** Makes an account and its mailboxes; of an encrypting tenant, one that is encrypted from its first byte on. */
export async function makeAccount(
  parts: AccountAskParts & Pick<ControlParts, 'directory' | 'shards'>,
  made: Omit<Account, 'id' | 'shard'>,
): Promise<Account> {
  const { directory } = parts;
  await spendStoredNumbers(parts);
  const tenant = (await directory.tenants()).find(({ id }) => id === made.tenant);
  const reference = tenant?.encryptedBy;
  if (reference === undefined) {
    const account = await directory.createAccount(made);
    await putAccount(parts, account);
    return account;
  }
  const account = await directory.createAccount({ ...made, isEnabled: false });
  try {
    await askAccount(parts, account, mailboxAsks.encrypt, [account.id, reference]);
    await putAccount(parts, account);
  } catch (error) {
    await directory.deleteAccount(account.id);
    throw error;
  }
  const { isEnabled } = made;
  return await directory.changeAccount(account.id, (row) => ({ ...row, isEnabled }));
}
