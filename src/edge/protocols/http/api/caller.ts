/**
 * Who makes a request of the API, kept beside the request from the check of its key on.
 *
 * Runs in: edge (main thread).
 */

import type { FastifyRequest } from 'fastify';
import type { ApiKey } from '../../../../ports/account-directory.ts';
import { ApiFault } from './fault.ts';
import type { Peer } from './submit.ts';

export interface Caller {
  readonly key: ApiKey;
  readonly peer: Peer;
}

const callers = new WeakMap<FastifyRequest, Caller>();

export function setCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
}

/** @throws ApiFault where no key was shown. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new ApiFault('authentication-required', 'no key');
  return caller;
}
