/**
 * A POP3 load as plain data, and the protocol made of it in the thread that plays it.
 *
 * Runs in: load generator.
 */

import { AccountDealer } from '../accounts.ts';
import { Connections, type TlsMode } from '../connection.ts';
import type { LoadProtocol, LoadSession, ProtocolPlace, SessionEvents } from '../protocol.ts';
import type { Credentials } from '../smtp/authentication.ts';
import { Pop3Session, type SessionPlace } from './session.ts';

const replyMsMax = 60_000;

export interface Pop3Plan {
  readonly tls: TlsMode;
  readonly tlsName?: string;
  readonly isVerified: boolean;
  readonly accounts: readonly Credentials[];
  readonly retrieve: number;
  readonly isDeleting: boolean;
}

export function createPop3(plan: Pop3Plan, place: ProtocolPlace): LoadProtocol {
  return new Pop3Protocol(plan, place);
}

class Pop3Protocol implements LoadProtocol {
  readonly #place: SessionPlace;
  readonly #accounts: AccountDealer;

  constructor(plan: Pop3Plan, { target, clock, recorder, share }: ProtocolPlace) {
    const { tls, tlsName, isVerified, retrieve, isDeleting } = plan;
    const named = tlsName === undefined ? {} : { tlsName };
    this.#place = {
      connections: new Connections({ ...target, tls, isVerified, ...named }, clock, replyMsMax),
      ...{ tls, retrieve, isDeleting, recorder, clock },
    };
    this.#accounts = new AccountDealer(plan.accounts, share);
  }

  open(events: SessionEvents): LoadSession {
    return new Pop3Session(this.#place, this.#accounts.deal(), events);
  }
}
