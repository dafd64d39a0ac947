/**
 * One attempt to log in: slowed down by failures before it, counted where it fails.
 *
 * Runs in:   edge (main thread).
 * Invariant: a peer that must wait learns nothing of the password it tried.
 */

import { failure, type Result } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LogInThrottle } from './log-in-throttle.ts';
import type { Credentials } from './sasl.ts';

/** `credentials-invalid` counts against the peer; any other failure is ours. */
export type CheckCredentials = (
  user: string,
  password: string,
  facts: { readonly address: string; readonly listener: string },
) => Promise<Result<{ readonly account: Account }>>;

export interface LogIn {
  readonly authenticate: CheckCredentials;
  readonly throttle: LogInThrottle;
}

export interface LogInAttempt extends Credentials {
  readonly address: string;
  readonly listener: string;
}

export async function logIn(
  { authenticate, throttle }: LogIn,
  { user, password, address, listener }: LogInAttempt,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Result<{ readonly account: Account }>> {
  if (throttle.waitMs(address, user, clock.monotonicMs()) > 0) return failure('rate-exceeded');
  const answer = await authenticate(user, password, { address, listener });
  if (answer.ok) throttle.succeeded(address, user);
  else if (answer.code === 'credentials-invalid') {
    throttle.failed(address, user, clock.monotonicMs());
    log.info({ peer: address, user }, 'log-in failed');
  }
  return answer;
}
