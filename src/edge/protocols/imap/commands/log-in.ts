/**
 * LOGIN and AUTHENTICATE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.2.2-3; RFC 4959 (initial responses); RFC 8314 §3.2 (no password in clear).
 */

import type { Buffer } from 'node:buffer';
import {
  type AuthenticateCommand,
  type LoginCommand,
  parseAuthenticate,
  parseLogin,
} from '../../../../mail/wire/imap/parse-session.ts';
import { writeContinuation } from '../../../../mail/wire/imap/response-status.ts';
import { type LogInAnswer, logIn } from '../../../guard/log-in.ts';
import { beginSasl } from '../../../guard/sasl.ts';
import type { SaslExchange } from '../../../guard/sasl-exchange.ts';
import { logInSession } from '../../session/log-in-session.ts';
import { stepExchange } from '../../session/sasl-steps.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { capabilityNames } from '../capabilities.ts';
import { type CommandSession, endsLater, type ImapCommand } from '../command.ts';

const needsTls = no('Start TLS first', 'PRIVACYREQUIRED');

async function runLogin(session: CommandSession, { user, password }: LoginCommand) {
  if (!session.mayLogIn) return needsTls;
  if (user === '' || password.includes('\0')) return answerOf('credentials-invalid');
  return end(session, await logIn(guarded(session), { user, password }));
}

function runAuthenticate(
  session: CommandSession,
  { mechanism: name, initial }: AuthenticateCommand,
  tag: string,
) {
  if (!session.mayLogIn) return needsTls;
  const exchange = beginSasl(name, guarded(session));
  if (exchange === undefined) return no('Unknown mechanism', 'CANNOT');
  return answerExchange(session, exchange, initial, tag);
}

/** One step of an exchange; `response` is undefined before the client said anything. */
export function answerExchange(
  session: CommandSession,
  exchange: SaslExchange,
  response: Buffer | undefined,
  tag: string,
): CommandEnd | typeof endsLater | Promise<CommandEnd | typeof endsLater> {
  return stepExchange<CommandEnd | typeof endsLater>(session, exchange, response, {
    challenge(text) {
      session.respond((writer) => writeContinuation(writer, text));
      session.expectResponse(exchange, tag);
      return endsLater;
    },
    senseless: () => bad('The response makes no sense'),
    ended: (answer) => end(session, answer),
    gone: () => ok(''),
  });
}

function guarded({ service, peerAddress, tls }: CommandSession) {
  return logInSession(service, peerAddress, tls);
}

function end(session: CommandSession, answer: LogInAnswer): CommandEnd {
  const { service } = session;
  if (session.isEnded) return ok('');
  service.observer.loggedIn(service.name, answer.ok);
  if (!answer.ok) return answerOf(answer.code);
  session.loggedIn(answer.account, answer.admission);
  return ok('Logged in', `CAPABILITY ${capabilityNames(session).join(' ')}`);
}

export const loginCommand = {
  name: 'LOGIN',
  states: ['early'],
  parse: parseLogin,
  run: runLogin,
} as const satisfies ImapCommand<LoginCommand>;

export const authenticateCommand = {
  name: 'AUTHENTICATE',
  states: ['early'],
  parse: parseAuthenticate,
  run: runAuthenticate,
} as const satisfies ImapCommand<AuthenticateCommand>;
