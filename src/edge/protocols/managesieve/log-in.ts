/**
 * AUTHENTICATE and UNAUTHENTICATE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5804 §2.1 and §2.14.1; RFC 8314 §3.3 (no password in clear).
 */

import { Buffer } from 'node:buffer';
import type { Argument } from '../../../mail/wire/managesieve/reader.ts';
import { stringOf } from '../../../mail/wire/managesieve/response.ts';
import type { LogInAnswer } from '../../guard/log-in.ts';
import { beginSasl, decodeSasl } from '../../guard/sasl.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import { logInSession } from '../session/log-in-session.ts';
import { stepExchange } from '../session/sasl-steps.ts';
import { isSaid } from '../session/serial-session.ts';
import {
  bad,
  type CommandEnd,
  type CommandSession,
  type ManageSieveCommand,
  no,
  ok,
  textOf,
} from './command.ts';
import { failed } from './failed.ts';

const crlf = Buffer.from('\r\n');

function begin(session: CommandSession, args: readonly Argument[]) {
  const [mechanism, initial] = [textOf(args[0]), textOf(args[1])];
  if (mechanism === undefined || args.length > 2 || (args.length === 2 && initial === undefined)) {
    return bad('AUTHENTICATE takes a mechanism and perhaps a response');
  }
  if (!session.mayLogIn) return no('STARTTLS comes first', 'ENCRYPT-NEEDED');
  // RFC 5804 §2.1: the server begins it, so a first response of the client would answer nothing.
  const isTooEarly = initial !== undefined && mechanism.toUpperCase() === 'LOGIN';
  if (isTooEarly) return bad('LOGIN begins with a challenge');
  const { service, peerAddress, tls } = session;
  const exchange = beginSasl(mechanism, logInSession(service, peerAddress, tls));
  if (exchange === undefined) return bad('No such mechanism');
  if (initial === undefined) return step(session, exchange, undefined);
  return respond(session, exchange, Buffer.from(initial));
}

/** What the client answers to a challenge: base64 in a string. */
export function respond(
  session: CommandSession,
  exchange: SaslExchange,
  octets: Buffer,
): CommandEnd | Promise<CommandEnd> {
  const text = octets.toString('latin1');
  if (text === '*') return bad('Given up');
  const response = text === '' ? Buffer.alloc(0) : decodeSasl(text);
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
      session.send(Buffer.concat([stringOf(text), crlf]));
      session.expectResponse(exchange);
      return isSaid;
    },
    senseless: () => bad('The response makes no sense'),
    ended: (answer) => end(session, answer),
    gone: () => isSaid,
  });
}

function end(session: CommandSession, answer: LogInAnswer): CommandEnd {
  const { service } = session;
  service.observer.loggedIn(service.name, answer.ok);
  if (!answer.ok) {
    const response = failed(answer);
    return response === isSaid ? response : { ...response, isError: true };
  }
  session.loggedIn(answer);
  return ok('Logged in');
}

export const authenticateCommand: ManageSieveCommand = {
  name: 'AUTHENTICATE',
  states: ['early'],
  run: begin,
};

/** RFC 5804 §2.14.1: TLS stays. */
export const unauthenticateCommand: ManageSieveCommand = {
  name: 'UNAUTHENTICATE',
  states: ['authenticated'],
  run(session, args) {
    if (args.length > 0) return bad('UNAUTHENTICATE takes nothing');
    session.loggedOut();
    return ok('Logged out; log in again');
  },
};
