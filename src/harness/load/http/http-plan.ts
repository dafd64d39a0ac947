/**
 * An HTTP load as plain data, and the protocol made of it in the thread that plays it on the shared scheduler.
 *
 * Runs in: load generator.
 */

import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import type { buildConnector, Client } from 'undici';
import type { HostPort } from '../../addresses.ts';
import { mixTurn } from '../../corpus/mix.ts';
import type { LoadProtocol, LoadSession, ProtocolPlace, SessionEvents } from '../protocol.ts';
import type { Credentials } from '../smtp/authentication.ts';
import type { HttpClientName } from './client-choice.ts';
import { makeRequest, type RequestPlan } from './requests.ts';
import { HttpSession, type SessionPlace } from './session.ts';

export const replyMsMax = 60_000;
const connectMsMax = 60_000;

export interface HttpPlan {
  /** Absent: autocannon where it can, else undici. */
  readonly client?: HttpClientName;
  readonly tls: 'none' | 'implicit';
  readonly tlsName?: string;
  readonly isVerified: boolean;
  /** Sent by Basic (RFC 7617). */
  readonly credentials?: Credentials;
  /** Sent as Bearer (RFC 6750). */
  readonly token?: string;
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly requests: readonly RequestPlan[];
}

export function createHttp(plan: HttpPlan, place: ProtocolPlace): LoadProtocol {
  return new HttpProtocol(plan, place);
}

class HttpProtocol implements LoadProtocol {
  readonly #place: SessionPlace;
  readonly #fraction: () => number;

  constructor(plan: HttpPlan, place: ProtocolPlace) {
    const { target, knownAs, clock, random, recorder } = place;
    const undici = loadUndici();
    const { tls, tlsName, isVerified, requests } = plan;
    const origin = originOf(plan, target);
    const common = commonHeaders(plan, knownAs);
    const limits = { headersTimeout: replyMsMax, bodyTimeout: replyMsMax, pipelining: 1 };
    const servername = tlsName === undefined ? {} : { servername: tlsName };
    const options: buildConnector.BuildOptions = {
      ...{ timeout: connectMsMax, rejectUnauthorized: isVerified, allowH2: false },
      ...servername,
    };
    this.#place = {
      open: (connect): Client => new undici.Client(origin, { ...limits, connect }),
      connect: undici.buildConnector(options),
      server: {
        hostname: target.host,
        host: authority(target),
        protocol: tls === 'none' ? 'http:' : 'https:',
        port: `${target.port}`,
      },
      requests: requests.map((each) => makeRequest(each, common)),
      turn: mixTurn(requests),
      ...{ recorder, clock },
    };
    this.#fraction = () => random.fraction();
  }

  open(events: SessionEvents): LoadSession {
    const at = Math.floor(this.#fraction() * this.#place.turn.length);
    return new HttpSession(this.#place, at, events);
  }
}

export function originOf({ tls }: HttpPlan, target: HostPort): string {
  return `${tls === 'none' ? 'http' : 'https'}://${authority(target)}`;
}

/** As a URL and a Host field have it. */
function authority({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Of every request: who is asked, where that is not the target, who asks, and what the plan adds. */
export function commonHeaders(
  plan: HttpPlan,
  knownAs: HostPort | undefined,
): Record<string, string> {
  const host = knownAs === undefined ? {} : { host: authority(knownAs) };
  return { ...host, ...authorization(plan), ...plan.headers };
}

function authorization({ credentials, token }: HttpPlan): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (credentials === undefined) return {};
  const { user, password } = credentials;
  // RFC 7617 §2.1: UTF-8, which a server may ask for and none refuses.
  const pair = Buffer.from(`${user}:${password}`, 'utf8').toString('base64');
  return { authorization: `Basic ${pair}` };
}

/** Loaded where it is used: a load by mail has no need of it. */
function loadUndici(): typeof import('undici') {
  return createRequire(import.meta.url)('undici') as typeof import('undici');
}
