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
export async function accountNamed({ directory }: ControlParts, address: string): Promise<Account> {
  const account = await directory.accountByAddress(address);
  if (account === undefined) throw new MailError('not-found', `account ${address}`);
  return account;
}

/** @throws MailError as the shard answers. */
export async function askAccount(
  { router, clock }: ControlParts,
  account: Account,
  name: string,
  meta: unknown,
): Promise<Extract<Answer, { ok: true }>> {
  const answer = await router.ask({
    shard: account.shard,
    actor: accountActor(account.id),
    name,
    key: '',
    class: 'short',
    lane: 'normal',
    deadlineMs: clock.nowMs() + askMsMax,
    meta,
    body: [],
  });
  if (!answer.ok) throw new MailError(answer.code, answer.detail);
  return answer;
}
