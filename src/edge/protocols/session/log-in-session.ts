/**
 * A session as its log-in sees it.
 *
 * Runs in: edge (main thread).
 */

import { assert } from '../../../base/assert.ts';
import type { Log } from '../../../base/log.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { LogIn, LogInSession } from '../../guard/log-in.ts';
import type { TlsSessionFacts } from './transport.ts';

interface LogInService {
  readonly name: string;
  /** Undefined where nobody logs in: not to be asked then. */
  readonly logIn: LogIn | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export function logInSession(
  { name, logIn, clock, log }: LogInService,
  address: string,
  tls: TlsSessionFacts | undefined,
): LogInSession {
  assert(logIn !== undefined, 'a listener that takes log-ins');
  return { listener: name, logIn, clock, log, address, tls };
}
