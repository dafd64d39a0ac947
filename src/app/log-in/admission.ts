/**
 * What a tenant asks of one who has shown the main password of an account.
 *
 * Runs in:   main thread.
 */

import { failure } from '../../base/errors.ts';
import { type LogInAnswer, tokenListener } from '../../edge/guard/log-in.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { CredentialStore } from '../../ports/credentials.ts';

type Read = Pick<CredentialStore, 'policy' | 'password'>;

/** Mail programs cannot show a second factor: where one is asked for, app passwords and tokens are what opens. */
export async function admitByPassword(
  credentials: Read,
  account: Account,
  { listener, nowMs }: { readonly listener: string; readonly nowMs: number },
): Promise<LogInAnswer> {
  const { logIn, password } = await credentials.policy(account.tenant);
  const isAskedLater = listener === tokenListener;
  if (logIn.needsSecondFactor && !isAskedLater)
    return failure('app-password-required', account.address);
  if (password.ageMsMax > 0) {
    const { setMs } = await credentials.password(account);
    // When it was set may be unknown, of one that is older than this rule: it is as old as its account.
    const sinceMs = setMs === 0 ? account.createdMs : setMs;
    if (nowMs - sinceMs > password.ageMsMax) return failure('password-expired', account.address);
  }
  return { ok: true, account };
}
