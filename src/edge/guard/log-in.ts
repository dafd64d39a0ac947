/**
 * One attempt to log in: slowed down by failures before it, counted where it fails.
 *
 * Runs in:   edge (main thread).
 * Invariant: a peer that must wait learns nothing of what it showed, whichever mechanism it used. An attempt has its
 *            place before anything of it is looked at, so guesses that come together are as few as others.
 */

import { type Failure, failure, type Result } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AccessWitness } from './access-witness.ts';
import type { Bans } from './bans.ts';
import type { ChannelFacts } from './channel.ts';
import type { Admission, LiveSessions } from './live-sessions.ts';
import type { Attempt, LogInThrottle } from './log-in-throttle.ts';
import type { Proofs } from './proofs.ts';
import type { Tarpit } from './tarpit.ts';

export interface LogInFacts {
  readonly address: string;
  readonly listener: string;
  /** Undefined: in clear. */
  readonly tls: ChannelFacts | undefined;
}

/** Where tokens are given: it asks for a second factor itself. */
export const tokenListener = 'token';

export interface LoggedIn {
  readonly account: Account;
  readonly admission: Admission;
}

/** `isOver`: what was shown opened this once, so it is no guess. It is told as a wrong one all the same. */
export type LogInAnswer = Result<LoggedIn> | (Failure & { readonly isOver?: true });

/** `credentials-invalid` counts against the peer unless it `isOver`; any other failure is ours. */
export type CheckCredentials = (
  user: string,
  password: string,
  facts: { readonly address: string; readonly listener: string },
) => Promise<LogInAnswer>;

export interface LogIn {
  readonly authenticate: CheckCredentials;
  readonly throttle: LogInThrottle;
  /** Told of failures; absent: nobody is banned for them. */
  readonly bans?: Pick<Bans, 'failed' | 'isBanned'>;
  /** Whether a password whose hash was `then` is that whose hash is `now`; absent: where the hashes are the same. */
  readonly isSamePassword?: (account: AccountId, then: string, now: string | undefined) => boolean;
  /** What may be shown in place of a password; absent: nothing. */
  readonly proofs?: Proofs;
  /** Answers failures late; absent: at once. */
  readonly tarpit?: Pick<Tarpit, 'hold'>;
  /** Ends sessions with what let them in; absent: they last as long as they like. */
  readonly live?: LiveSessions;
  /** Told how each attempt ended; absent: nobody is. */
  readonly witness?: AccessWitness;
}

export interface LogInSession extends LogInFacts {
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export function logIn(
  session: LogInSession,
  { user, password }: Credentials,
): Promise<LogInAnswer> {
  return attempt(session, user, () => session.logIn.authenticate(user, password, session));
}

/** Whether `user` must wait before this peer may try again. */
export function mustWait({ logIn, address, clock }: LogInSession, user: string): boolean {
  return logIn.throttle.waitMs(address, user, clock.monotonicMs()) > 0;
}

/** Runs `check` unless the peer must wait, and counts how it went. */
export async function attempt(
  session: LogInSession,
  user: string,
  check: () => LogInAnswer | Promise<LogInAnswer>,
): Promise<LogInAnswer> {
  const { address, clock, log, listener } = session;
  const { throttle, witness, bans, tarpit } = session.logIn;
  const begun = await throttle.begin(address, user, clock);
  const judged = typeof begun === 'string' ? failure(begun) : await checked(begun, check);
  const answer = withRoom(session.logIn, judged);
  const end = answer.ok ? { account: answer.account } : { refusal: answer.code };
  witness?.logIn({ user, peer: address, listener, ...end });
  if (typeof begun === 'string') return answer;
  if (answer.ok) begun.succeeded(answer.account.address);
  else if (isGuess(answer)) {
    const failures = begun.failed();
    bans?.failed(address);
    log.info({ peer: address, user }, 'log-in failed');
    await tarpit?.hold(address, failures);
  } else begun.undone();
  return answer;
}

/** What was shown is right, and the account has all the sessions it may have: no guess. */
function withRoom({ live }: LogIn, answer: LogInAnswer): LogInAnswer {
  const isFull = answer.ok && live?.hasRoom(answer.account) === false;
  return isFull ? failure('sessions-too-many') : answer;
}

/** Whatever is thrown: the attempt ends. */
async function checked(
  begun: Attempt,
  check: () => LogInAnswer | Promise<LogInAnswer>,
): Promise<LogInAnswer> {
  try {
    return await check();
  } catch (error) {
    begun.undone();
    throw error;
  }
}

function isGuess(answer: Exclude<LogInAnswer, { readonly ok: true }>): boolean {
  return answer.code === 'credentials-invalid' && !('isOver' in answer);
}
