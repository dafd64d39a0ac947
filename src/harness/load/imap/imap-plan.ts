/**
 * An IMAP load as plain data, and the protocol made of it in the thread that plays it.
 *
 * Runs in: load generator.
 */

import { mixTurn, type Weighted } from '../../corpus/mix.ts';
import { AccountDealer } from '../accounts.ts';
import { Connections, type TlsMode } from '../connection.ts';
import type { LoadProtocol, LoadSession, ProtocolPlace, SessionEvents } from '../protocol.ts';
import type { Credentials } from '../smtp/authentication.ts';
import { ImapSession, type SessionPlace, type UserSteps } from './session.ts';
import { quoted, readStep, type StepPlan, turnOf } from './steps.ts';

const replyMsMax = 60_000;

/** A kind of user: each session is one's. */
export interface UserPlan extends Weighted {
  readonly steps: readonly StepPlan[];
}

export interface ImapPlan {
  readonly tls: TlsMode;
  readonly tlsName?: string;
  readonly isVerified: boolean;
  readonly accounts: readonly Credentials[];
  readonly mailbox: string;
  readonly holdMs: number;
  readonly users: readonly UserPlan[];
}

export function createImap(plan: ImapPlan, place: ProtocolPlace): LoadProtocol {
  return new ImapProtocol(plan, place);
}

class ImapProtocol implements LoadProtocol {
  readonly #place: SessionPlace;
  readonly #accounts: AccountDealer;
  readonly #users: readonly UserSteps[];
  readonly #turn: Uint32Array;
  #at = 0;

  constructor(plan: ImapPlan, { target, clock, random, recorder, share }: ProtocolPlace) {
    const { tls, tlsName, isVerified, holdMs } = plan;
    const named = tlsName === undefined ? {} : { tlsName };
    this.#place = {
      connections: new Connections({ ...target, tls, isVerified, ...named }, clock, replyMsMax),
      opening: { tls, mailbox: quoted(plan.mailbox), recorder, clock },
      ...{ random, holdMs },
    };
    this.#accounts = new AccountDealer(plan.accounts, share);
    this.#users = plan.users.map(({ steps }) => ({
      steps: steps.map(readStep),
      ...turnOf(steps),
    }));
    this.#turn = mixTurn(plan.users);
  }

  open(events: SessionEvents): LoadSession {
    const user = this.#users[this.#turn[this.#at]!]!;
    this.#at = (this.#at + 1) % this.#turn.length;
    return new ImapSession(this.#place, user, this.#accounts.deal(), events);
  }
}
