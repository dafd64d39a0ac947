/**
 * Decides at MAIL whether a logged-in account may use a sender address. The From header is judged later, by the
 * pipeline, which sees it.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6409 §6.1 (submission may enforce address ownership).
 */

import type { ErrorCode } from '../../base/errors.ts';
import type { Account, AccountDirectory, Eventually } from '../../ports/account-directory.ts';

/** The null sender is allowed: read receipts and automatic answers need it. */
export function decideSender(
  directory: AccountDirectory,
  account: Account,
  sender: string,
): Eventually<ErrorCode | undefined> {
  if (sender === '') return undefined;
  const answer = directory.maySendAs(account, sender);
  if (answer instanceof Promise) return answer.then(codeOf);
  return codeOf(answer);
}

function codeOf(isAllowed: boolean): ErrorCode | undefined {
  return isAllowed ? undefined : 'sender-not-allowed';
}
