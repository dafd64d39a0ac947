/**
 * Finds an account, and asks the shard that has its mail.
 *
 * Runs in: main thread.
 */

import type { Answer } from '../../actors/ask.ts';
import { accountActor } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { ControlParts } from './parts.ts';

const askMsMax = 60_000;

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
  { router, clock }: Pick<ControlParts, 'router' | 'clock'>,
  account: Account,
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
