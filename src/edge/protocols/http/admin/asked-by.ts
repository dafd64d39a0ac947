/**
 * Who makes a request of the admin API: an operator on the control socket, an account by its access token, or a tenant's
 * program by its API key.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6750 §2.1 (the header alone: no token in a query or a form).
 * Limits:    `requestsPerMinuteMax` of each, `strangerRequestsPerMinuteMax` of an address that is nobody.
 * Invariant: a request has one principal, found once, before anything of it is read. A key that is not there and a
 *            token we never signed count as failed log-ins; a token of ours that is over does not: programs show theirs
 *            until they are told.
 */

import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { AskedBy, Principal } from '../../../../actors/asks/principal.ts';
import { assert } from '../../../../base/assert.ts';
import { peerNetwork } from '../../../../base/networks.ts';
import type { AccountDirectory } from '../../../../ports/account-directory.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { AccessWitness } from '../../../guard/access-witness.ts';
import { apiKeyShown } from '../../../guard/api-keys.ts';
import type { Bans } from '../../../guard/bans.ts';
import { RequestRates } from '../../../guard/request-rates.ts';
import { principalOf, type Sessions } from '../../../guard/sessions.ts';
import { ApiFault } from '../api/fault.ts';
import type { HttpPeer } from '../peer-address.ts';
import { requestsPerMinuteMax, strangerRequestsPerMinuteMax } from './limits.ts';

const bearer = /^bearer +([\w~+/.=-]{1,4096}) *$/i;

const asked = new WeakMap<FastifyRequest, AskedBy>();

/** @throws ApiFault where nobody was found out. */
export function askedByOf(request: FastifyRequest): AskedBy {
  const by = asked.get(request);
  if (by === undefined) throw new ApiFault('authentication-required', 'a token is needed');
  return by;
}

export interface AskersParts {
  readonly directory: AccountDirectory;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly witness: AccessWitness;
  /** Told of guesses; absent: nobody is. */
  readonly bans?: Pick<Bans, 'failed'> | undefined;
}

export class Askers {
  readonly #parts: AskersParts;
  readonly #rates = new RequestRates(requestsPerMinuteMax);
  readonly #strangerRates = new RequestRates(strangerRequestsPerMinuteMax);

  constructor(parts: AskersParts) {
    this.#parts = parts;
  }

  /** `isOperator`: it came by the control socket. @throws ApiFault */
  async note(request: FastifyRequest, peer: string, isOperator: boolean): Promise<void> {
    const principal: Principal = isOperator
      ? { kind: 'operator' }
      : await this.#shown(request, peer);
    this.#count(principal);
    asked.set(request, { principal, peer });
  }

  /** A request of somebody who need not say who it is. @throws ApiFault */
  countStranger(peer: string): void {
    refuseFor(this.#strangerRates.take(peerNetwork(peer), this.#parts.clock.monotonicMs()));
  }

  /** Nobody was found by what a request showed. */
  async failed(authorization: string | undefined, peer: string): Promise<void> {
    const token = bearer.exec(authorization ?? '')?.[1];
    if (token === undefined || (await this.#parts.sessions.isOurs(token))) return;
    this.#parts.bans?.failed(peer);
  }

  async #shown({ headers, method, routeOptions }: FastifyRequest, peer: string) {
    const { authorization } = headers;
    const { directory, sessions, witness } = this.#parts;
    const asked = `${method} ${routeOptions.url ?? ''}`.trim();
    const token = bearer.exec(authorization ?? '')?.[1];
    const key = await apiKeyShown(directory, authorization);
    if (key !== undefined) {
      witness.key({ key, asked, peer });
      const { id, tenant, scopes } = key;
      return { kind: 'api-key', tenant, key: id, scopes } as const;
    }
    const shown = token === undefined ? undefined : await sessions.check(token, peer);
    if (shown?.ok === true) return principalOf(shown);
    if (authorization !== undefined) {
      witness.key({ asked, peer, refusal: 'credentials-invalid' });
      await this.failed(authorization, peer);
    }
    this.countStranger(peer);
    throw new ApiFault('credentials-invalid', 'a valid access token is needed');
  }

  #count(principal: Principal): void {
    if (principal.kind === 'operator') return;
    const asker =
      principal.kind === 'account' ? `account ${principal.account}` : `key ${principal.key}`;
    refuseFor(this.#rates.take(asker, this.#parts.clock.monotonicMs()));
  }
}

function refuseFor(seconds: number): void {
  if (seconds === 0) return;
  throw new ApiFault('rate-exceeded', 'too many requests', { retryAfterSeconds: seconds });
}

const peers = new WeakMap<IncomingMessage, HttpPeer>();

/** Before the request is handled: whose it is, the listener knows. */
export function notePeer(request: IncomingMessage, peer: HttpPeer): void {
  peers.set(request, peer);
}

export function peerOf({ raw }: FastifyRequest): HttpPeer {
  const peer = peers.get(raw);
  assert(peer !== undefined, 'whose request it is was noted');
  return peer;
}
