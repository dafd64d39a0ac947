/**
 * What a command is, and what it may ask of the session it runs in.
 *
 * Runs in:   edge (main thread).
 * Invariant: a command ends with exactly one response, which the session writes; until then no other runs.
 */

import type { Answer } from '../../../actors/ask.ts';
import type { Argument } from '../../../mail/wire/managesieve/reader.ts';
import type { Response } from '../../../mail/wire/managesieve/response.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import type { AskOptions } from '../session/account-asks.ts';
import type { isSaid, SerialReply } from '../session/serial-session.ts';
import type { TlsSessionFacts } from '../session/transport.ts';
import type { ManageSieveService } from './service.ts';

/** RFC 5804 §1.2: before AUTHENTICATE, and after it. */
export type ManageSieveState = 'early' | 'authenticated';

export interface CommandSession {
  readonly service: ManageSieveService;
  readonly peerAddress: string;
  /** Undefined: in clear. */
  readonly tls: TlsSessionFacts | undefined;
  /** Under TLS, or from where clear text is trusted. */
  readonly mayLogIn: boolean;
  readonly canStartTls: boolean;
  readonly isEnded: boolean;
  /** Set from log-in on. */
  readonly account: Account | undefined;

  /** Octets of an answer, as they are. */
  send(octets: Uint8Array): void;
  /** An ask to the account's actor. */
  ask(name: string, meta: unknown, options?: AskOptions): Promise<Answer>;
  loggedIn(who: LoggedIn): void;
  loggedOut(): void;
  /** The next string is the client's answer to a challenge. */
  expectResponse(exchange: SaslExchange): void;
  /** The session goes on under TLS once the response is written, and tells its capabilities anew. */
  startTls(): void;
  /** The session ends once the response is written. */
  end(): void;
}

export type CommandReply = Response & SerialReply;

export type CommandEnd = CommandReply | typeof isSaid;

export interface ManageSieveCommand {
  readonly name: string;
  readonly states: readonly ManageSieveState[];
  readonly run: (
    session: CommandSession,
    args: readonly Argument[],
  ) => CommandEnd | Promise<CommandEnd>;
}

export const anyState: readonly ManageSieveState[] = ['early', 'authenticated'];

export const ok = (words: string): CommandEnd => ({ status: 'OK', words });
export const no = (words: string, code?: string): CommandEnd => ({
  ...{ status: 'NO', words },
  ...(code === undefined ? {} : { code }),
});
export const bad = (words: string): CommandEnd => ({ status: 'NO', words, isError: true });

/** A string that is text; undefined: it is no string, or no UTF-8. */
export function textOf(argument: Argument | undefined): string | undefined {
  if (argument?.kind !== 'string') return undefined;
  const text = argument.octets.toString('utf8');
  return Buffer.byteLength(text, 'utf8') === argument.octets.length && !text.includes('\ufffd')
    ? text
    : undefined;
}
