/**
 * Checks user and password against the directory; the hash is computed in a job.
 *
 * Runs in:   main thread.
 * Specs:     RFC 4954 §4 (what a failed log-in may tell: nothing).
 * Invariant: an unknown user costs what a known one costs.
 */

import type { Jobs } from '../actors/jobs.ts';
import { failure } from '../base/errors.ts';
import type { Authenticate } from '../edge/protocols/smtp/service.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';

export interface LogInOptions {
  readonly directory: AccountDirectory;
  readonly jobs: Jobs;
}

export function createLogIn({ directory, jobs }: LogInOptions): Authenticate {
  return async (user, password) => {
    const account = await directory.accountByAddress(user);
    const answer = await jobs.run({
      name: 'password.verify',
      meta: { hash: account?.passwordHash ?? '', password },
    });
    if (!answer.ok) return answer;
    if (account === undefined || answer.value !== true || !account.isEnabled) {
      return failure('credentials-invalid', user);
    }
    return { ok: true, account };
  };
}
