/**
 * Decides at MAIL whether a logged-in account may use a sender address, and whose mail it is that nobody logged in for.
 * The From header is judged later, by the pipeline, which sees it.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6409 §6.1 (submission may enforce address ownership).
 */

import type { ErrorCode } from '../../base/errors.ts';
import { defaultTenant, type TenantId } from '../../base/ids.ts';
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

/** Of mail from a client that may relay: its sender's domain is all there is to tell a tenant by. */
export function tenantOfSender(directory: AccountDirectory, domain: string): Eventually<TenantId> {
  if (domain === '') return defaultTenant;
  const found = directory.domain(domain);
  if (found instanceof Promise) return found.then((late) => late?.tenant ?? defaultTenant);
  return found?.tenant ?? defaultTenant;
}
