/**
 * What a command is, and what it may ask of the session it runs in.
 *
 * Runs in:   edge (main thread).
 * Invariant: a command answers with exactly one reply, which the session writes; until then no other runs.
 */

import type { Answer } from '../../../actors/ask.ts';
import type { Pop3Ask } from '../../../actors/asks/pop3-asks.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import type { AskOptions } from '../session/account-asks.ts';
import type { isSaid } from '../session/serial-session.ts';
import type { TlsSessionFacts } from '../session/transport.ts';
import type { Maildrop } from './maildrop.ts';
import type { Reply } from './replies.ts';
import type { Pop3Service } from './service.ts';

/** RFC 1939 §3: AUTHORIZATION and TRANSACTION. */
export type Pop3State = 'early' | 'transaction';

export interface CommandSession {
  readonly service: Pop3Service;
  readonly peerAddress: string;
  /** Undefined: in clear. */
  readonly tls: TlsSessionFacts | undefined;
  /** Under TLS, or from where clear text is trusted. */
  readonly mayLogIn: boolean;
  readonly canStartTls: boolean;
  readonly isEnded: boolean;
  /** Set from log-in on. */
  readonly account: Account | undefined;
  readonly drop: Maildrop | undefined;
  /** What USER said; PASS uses it up. */
  user: string;

  /** Octets of an answer, as they are. */
  send(octets: Uint8Array): void;
  /** Undefined: there is room for more. Else resolves when the client has read on, or is gone. */
  room(): Promise<void> | undefined;
  /** An ask to the account's actor. */
  ask(name: Pop3Ask, meta: unknown, options?: AskOptions): Promise<Answer>;
  loggedIn(who: LoggedIn, drop: Maildrop): void;
  /** The next line is the client's answer to a challenge. */
  expectResponse(exchange: SaslExchange): void;
  /** The session goes on under TLS once the reply is written. */
  startTls(): void;
  /** The session ends once the reply is written. */
  end(): void;
  /** The connection ends now, without a word: what was promised cannot be kept. */
  cut(): void;
}

export type CommandEnd = Reply | typeof isSaid;

export interface Pop3Command<Arguments> {
  readonly name: string;
  readonly states: readonly Pop3State[];
  readonly parse: (rest: string) => Arguments | undefined;
  readonly run: (session: CommandSession, argument: Arguments) => CommandEnd | Promise<CommandEnd>;
}

export const anyState: readonly Pop3State[] = ['early', 'transaction'];
