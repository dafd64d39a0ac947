/**
 * What a tenant asks of one who has shown the main password of an account.
 *
 * Runs in:   main thread.
 */

import { failure } from '../../base/errors.ts';
import type { Admission } from '../../edge/guard/live-sessions.ts';
import { type LogInAnswer, tokenListener } from '../../edge/guard/log-in.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { AccountOf, CredentialStore } from '../../ports/credentials.ts';
import type { SecondFactorStore } from '../../ports/second-factors.ts';

export interface AdmissionParts {
  readonly credentials: Pick<CredentialStore, 'policy' | 'password'>;
  readonly secondFactors: Pick<SecondFactorStore, 'hasSecondFactor'>;
}

/** Mail programs cannot show a second factor: where one is asked for, app passwords and tokens are what opens. */
export async function admitByPassword(
  parts: AdmissionParts,
  account: Account,
  { listener, nowMs }: { readonly listener: string; readonly nowMs: number },
): Promise<LogInAnswer> {
  const isAskedLater = listener === tokenListener;
  if (!isAskedLater && !(await isPasswordEnough(parts, account)))
    return failure('app-password-required', account.address);
  const { password } = await parts.credentials.policy(account.tenant);
  if (password.ageMsMax > 0) {
    const { setMs } = await parts.credentials.password(account);
    // When it was set may be unknown, of one that is older than this rule: it is as old as its account.
    const sinceMs = setMs === 0 ? account.createdMs : setMs;
    if (nowMs - sinceMs > password.ageMsMax) return failure('password-expired', account.address);
  }
  return { ok: true, account, admission: byPassword(account) };
}

/** A password that is checked elsewhere: how old it may be is decided there. */
export async function admitBySource(
  parts: AdmissionParts,
  account: Account,
  { listener, source }: { readonly listener: string; readonly source: string },
): Promise<LogInAnswer> {
  if (listener !== tokenListener && !(await isPasswordEnough(parts, account)))
    return failure('app-password-required', account.address);
  return { ok: true, account, admission: { kind: 'source', source } };
}

/** Whether the main password opens an account to mail programs: not where its owner set up more than that. */
export async function isPasswordEnough(
  { credentials, secondFactors }: AdmissionParts,
  of: AccountOf,
): Promise<boolean> {
  const { logIn } = await credentials.policy(of.tenant);
  if (logIn.needsSecondFactor) return false;
  return logIn.allowsPasswordAlone || !(await secondFactors.hasSecondFactor(of));
}

/** `account` as it was read before the password was checked. */
function byPassword({ passwordHash = '' }: Account): Admission {
  return { kind: 'password', hash: passwordHash };
}
