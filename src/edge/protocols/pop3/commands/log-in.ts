/**
 * USER, PASS and AUTH.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 1939 §7; RFC 5034 (AUTH); RFC 3206 §4 (why a log-in failed); RFC 8314 §3.3 (no password in clear).
 */

import type { Buffer } from 'node:buffer';
import { type OpenedMaildrop, pop3Asks } from '../../../../actors/asks/pop3-asks.ts';
import { latin1 } from '../../../../base/bytes.ts';
import {
  type AuthArguments,
  parseAuth,
  parseName,
  parsePassword,
} from '../../../../mail/wire/pop3/parse.ts';
import { type LogInAnswer, logIn } from '../../../guard/log-in.ts';
import { beginSasl, decodeSasl, offeredMechanisms } from '../../../guard/sasl.ts';
import type { SaslExchange } from '../../../guard/sasl-exchange.ts';
import { logInSession } from '../../session/log-in-session.ts';
import { stepExchange } from '../../session/sasl-steps.ts';
import { isSaid } from '../../session/serial-session.ts';
import type { CommandEnd, CommandSession, Pop3Command } from '../command.ts';
import { Maildrop } from '../maildrop.ts';
import { bad, ok, replyOf } from '../replies.ts';

/** RFC 1939 §7: whether there is such a user is told with PASS, if at all. */
export const userCommand = {
  name: 'USER',
  states: ['early'],
  parse: parseName,
  run(session, name) {
    if (!session.mayLogIn) return replyOf('encryption-required');
    session.user = name;
    return ok('And the password?');
  },
} as const satisfies Pop3Command<string>;

export const passCommand = {
  name: 'PASS',
  states: ['early'],
  parse: parsePassword,
  async run(session, password) {
    const { user } = session;
    session.user = '';
    if (user === '') return bad('USER comes first');
    return end(session, await logIn(guarded(session), { user, password }));
  },
} as const satisfies Pop3Command<string>;

function runAuth(session: CommandSession, { mechanism: name, initial }: AuthArguments) {
  if (!session.mayLogIn) return replyOf('encryption-required');
  if (name === '') {
    const lines = offeredMechanisms(guarded(session)).map((one) => `${one}\r\n`);
    session.send(latin1(`+OK What may be said\r\n${lines.join('')}.\r\n`));
    return isSaid;
  }
  const exchange = beginSasl(name, guarded(session));
  if (exchange === undefined) return bad('Unknown mechanism');
  return initial === undefined
    ? step(session, exchange, undefined)
    : respond(session, exchange, initial);
}

/** A line of an exchange, or an initial response: base64, and `=` where it is empty (RFC 5034 §4). */
export function respond(
  session: CommandSession,
  exchange: SaslExchange,
  text: string,
): CommandEnd | Promise<CommandEnd> {
  if (text === '*') return bad('Given up');
  const response = decodeSasl(text);
  return response === undefined
    ? bad('The response is not base64')
    : step(session, exchange, response);
}

function step(
  session: CommandSession,
  exchange: SaslExchange,
  response: Buffer | undefined,
): CommandEnd | Promise<CommandEnd> {
  return stepExchange<CommandEnd>(session, exchange, response, {
    challenge(text) {
      session.send(latin1(`+ ${text}\r\n`));
      session.expectResponse(exchange);
      return isSaid;
    },
    senseless: () => bad('The response makes no sense'),
    ended: (answer) => end(session, answer),
    gone: () => isSaid,
  });
}

function guarded({ service, peerAddress, tls }: CommandSession) {
  return logInSession(service, peerAddress, tls);
}

async function end(session: CommandSession, answer: LogInAnswer): Promise<CommandEnd> {
  const { service } = session;
  if (session.isEnded) return isSaid;
  service.observer.loggedIn(service.name, answer.ok);
  if (!answer.ok) return { ...replyOf(answer.code), isError: true };
  const { account } = answer;
  const opened = await service.asks.ask(account, pop3Asks.open, [account.id]);
  if (session.isEnded) return isSaid;
  if (!opened.ok) return replyOf(opened.code);
  const { messagesMax } = service.policy.limits;
  const drop = new Maildrop(account.id, opened.value as OpenedMaildrop, messagesMax);
  session.loggedIn(answer, drop);
  return ok(`Logged in: ${drop.count} messages`);
}

export const authCommand = {
  name: 'AUTH',
  states: ['early'],
  parse: parseAuth,
  run: runAuth,
} as const satisfies Pop3Command<AuthArguments>;
