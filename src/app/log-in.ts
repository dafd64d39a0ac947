/**
 * Checks user and password against the directory; the hash is computed in a job.
 *
 * Runs in:   main thread.
 * Specs:     RFC 4954 §4 (what a failed log-in may tell: nothing).
 * Invariant: an unknown user costs what a known one costs.
 */

import { passwordVerifyJob } from '../actors/asks/job-asks.ts';
import type { Jobs } from '../actors/jobs.ts';
import { failure } from '../base/errors.ts';
import type { CredentialCache } from '../edge/guard/credential-cache.ts';
import type { CheckCredentials } from '../edge/guard/log-in.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';

export interface LogInOptions {
  readonly directory: AccountDirectory;
  readonly jobs: Jobs;
  readonly cache: CredentialCache;
}

export function createLogIn({ directory, jobs, cache }: LogInOptions): CheckCredentials {
  return async (user, password) => {
    const account = await directory.accountByAddress(user);
    const storedHash = account?.passwordHash ?? '';
    const credentials = { user, password, storedHash };
    if (account?.isEnabled === true && cache.knows(credentials)) return { ok: true, account };
    const answer = await jobs.run({
      name: passwordVerifyJob,
      meta: { hash: storedHash, password },
    });
    if (!answer.ok) return answer;
    if (account === undefined || answer.value !== true || !account.isEnabled) {
      return failure('credentials-invalid', user);
    }
    cache.remember(credentials);
    return { ok: true, account };
  };
}
