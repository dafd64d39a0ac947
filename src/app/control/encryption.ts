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
import { shardId } from '../../base/ids.ts';
import type { Account } from '../../ports/account-directory.ts';
import { keyReferenceFault } from '../../settings/key-references.ts';
import { type AccountAskParts, askAccount, putAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { answered, askShard } from './shard-asks.ts';
import { spendStoredNumbers } from './spent-accounts.ts';
import { tenantNamed } from './tenant-handlers.ts';

/** Whose data key seals mail under way. */
const transitAccount = 0;
const keysMsMax = 60_000;
const faultsNamedMax = 10;

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
      await askKeys(parts, 0, mailboxAsks.tryKey, [reference]);
      const tenant = await directory.changeTenant(before.id, (row) => ({
        ...row,
        encryptedBy: reference,
      }));
      const faults: string[] = [];
      const counts = { encrypted: 0, clear: 0 };
      for (const account of await directory.accounts()) {
        if (account.tenant !== tenant.id) continue;
        const meta = [account.id, reference, newDataKeys] as const;
        try {
          const { value } = await askAccount(parts, account, mailboxAsks.rekey, meta);
          if (value === true) counts.encrypted++;
          else counts.clear++;
        } catch (error) {
          if (!(error instanceof MailError)) throw error;
          faults.push(`${account.address}: ${error.detail}`);
        }
      }
      const transit = [transitAccount, settings.store.transitKey, false];
      for (let shard = 0; shard < settings.shards; shard++) {
        await askKeys(parts, shard, mailboxAsks.rekey, transit).catch((error: unknown) => {
          faults.push(`mail under way of shard ${shard}: ${String(error)}`);
        });
      }
      if (faults.length > 0) {
        const named = faults.slice(0, faultsNamedMax).join('; ');
        const text = `${faults.length} kept the keys they had, all others are done: ${named}`;
        throw new MailError('not-possible-now', text);
      }
      return { tenant, ...counts };
    },
  };
}

async function askKeys(parts: ControlParts, shard: number, name: string, meta: unknown) {
  const ask = { shard: shardId(shard), actor: 'keys', name, meta, msMax: keysMsMax };
  answered(await askShard(parts, ask));
}

/** Makes an account and its mailboxes; of an encrypting tenant, one that is encrypted from its first byte on. */
export async function makeAccount(
  parts: AccountAskParts & Pick<ControlParts, 'directory' | 'shards'>,
  made: Omit<Account, 'id' | 'shard'>,
): Promise<Account> {
  const { directory } = parts;
  await spendStoredNumbers(parts);
  const reference = (await directory.tenantById(made.tenant))?.encryptedBy;
  if (reference === undefined) {
    const account = await directory.createAccount(made);
    await putAccount(parts, account);
    return account;
  }
  const account = await directory.createAccount({ ...made, isEnabled: false });
  try {
    await putAccount(parts, account);
  } catch (error) {
    await directory.deleteAccount(account.id);
    throw error;
  }
  const { isEnabled } = made;
  return await directory.changeAccount(account.id, (row) => ({ ...row, isEnabled }));
}
