/**
 * Finds an account, and asks the shard that has its mail.
 *
 * Runs in: main thread.
 */

import type { Answer, Ask } from '../../actors/ask.ts';
import { accountActor, mailboxAsks } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ControlParts } from './parts.ts';

const askMsMax = 60_000;

export interface AccountAskParts {
  readonly router: { ask(ask: Ask): Promise<Answer> };
  readonly clock: Clock;
}

/** @throws MailError `not-found` */
export async function accountNamed(
  { directory }: Pick<ControlParts, 'directory'>,
  address: string,
): Promise<Account> {
  const account = await directory.accountByAddress(address);
  if (account === undefined) throw new MailError('not-found', `account ${address}`);
  return account;
}

/**
 * A long ask has no deadline: it is done once it is begun, and who asks again must not come between.
 * @throws MailError as the shard answers.
 */
export async function askAccount(
  { router, clock }: AccountAskParts,
  account: Pick<Account, 'id' | 'shard'>,
  name: string,
  meta: unknown,
  { isLong = false, body = [] }: { isLong?: boolean; body?: readonly Uint8Array[] } = {},
): Promise<Extract<Answer, { ok: true }>> {
  const answer = await router.ask({
    shard: account.shard,
    actor: accountActor(account.id),
    name,
    key: '',
    class: isLong ? 'long' : 'short',
    lane: 'normal',
    deadlineMs: isLong ? 0 : clock.nowMs() + askMsMax,
    meta,
    body,
  });
  if (!answer.ok) throw new MailError(answer.code, answer.detail);
  return answer;
}

/**
 * An account of an encrypting tenant that has no row yet gets its key: a kill may have come between the two.
 * @throws MailError where it cannot have one: it must not be switched on then.
 */
export async function ensureKey(
  parts: AccountAskParts & Pick<ControlParts, 'directory'>,
  account: Account,
): Promise<void> {
  const reference = (await parts.directory.tenantById(account.tenant))?.encryptedBy;
  if (reference === undefined) return;
  await askAccount(parts, account, mailboxAsks.encrypt, [account.id, reference]);
}

/** Makes the account's mailboxes on its shard, or tells the shard a new quota. */
export async function putAccount(
  parts: AccountAskParts & Pick<ControlParts, 'directory'>,
  account: Account,
): Promise<void> {
  await ensureKey(parts, account);
  const { id, tenant, quotaBytes, quotaMessages = 0 } = account;
  await askAccount(parts, account, mailboxAsks.put, [id, tenant, quotaBytes, quotaMessages]);
}
