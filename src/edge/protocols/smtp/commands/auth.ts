/**
 * AUTH: logs the client in by one of the mechanisms of `guard/sasl.ts`.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4954 §4 (exchange, not in a transaction, once a session), §6 (codes); RFC 8314 §3 (under TLS only).
 */

import { Buffer } from 'node:buffer';
import { encodeReply } from '../../../../mail/wire/smtp/reply.ts';
import { argumentOf } from '../../../../mail/wire/smtp/session-commands.ts';
import {
  type Credentials,
  decodeSasl,
  type SaslExchange,
  saslMechanism,
} from '../../../guard/sasl.ts';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies, replyOf } from '../replies.ts';

function runAuth(session: CommandSession, line: Buffer, from: number, to: number) {
  if (session.service.logIn === undefined) return session.refuse(replies.notHere);
  if (session.tls === undefined) return session.refuse(replies.authNeedsTls);
  if (session.account !== undefined) return session.refuse(replies.authTwice);
  if (session.transaction.isOpen) return session.refuse(replies.mailTwice);
  const [name = '', initial, ...rest] = argumentOf(line, from, to).split(/ +/);
  const mechanism = saslMechanism(name);
  if (mechanism === undefined) return session.refuse(replies.unknownMechanism);
  if (rest.length > 0) return session.refuse(replies.badSyntax);
  const exchange = mechanism.begin();
  if (initial === undefined) return step(session, exchange, undefined);
  const response = decodeSasl(initial);
  if (response === undefined) return session.refuse(replies.badBase64);
  // LOGIN's first response answers a challenge that an initial response makes needless.
  return step(session, exchange, response);
}

/** The line that answers a challenge. */
export function continueAuth(
  session: CommandSession,
  exchange: SaslExchange,
  line: Buffer,
  from: number,
  to: number,
) {
  const text = line.toString('latin1', from, to);
  // RFC 4954 §4: a lone asterisk gives up.
  if (text === '*') return session.refuse(replies.authAborted);
  const response = decodeSasl(text === '' ? '=' : text);
  if (response === undefined) return session.refuse(replies.badBase64);
  return step(session, exchange, response);
}

function step(session: CommandSession, exchange: SaslExchange, response: Buffer | undefined) {
  const next = exchange.next(response);
  if (next.kind === 'bad') return session.refuse(replies.badSasl);
  if (next.kind === 'credentials') return logIn(session, next.credentials);
  session.reply(encodeReply(`334 ${Buffer.from(next.text).toString('base64')}`));
  session.beginExchange(exchange);
}

async function logIn(session: CommandSession, { user, password }: Credentials): Promise<void> {
  const { service, peer } = session;
  const { authenticate, throttle } = service.logIn!;
  const nowMs = service.clock.monotonicMs();
  if (throttle.waitMs(peer.address, user, nowMs) > 0) {
    return session.refuse(replies.logInsTooMany);
  }
  const answer = await authenticate(user, password, {
    address: peer.address,
    listener: service.name,
  });
  if (session.isEnded) return;
  service.observer.loggedIn(service.name, answer.ok);
  if (answer.ok) {
    throttle.succeeded(peer.address, user);
    session.loggedIn(answer.account);
    session.reply(replies.loggedIn);
  } else {
    if (answer.code === 'credentials-invalid') {
      throttle.failed(peer.address, user, service.clock.monotonicMs());
      service.log.info({ peer: peer.address, user }, 'log-in failed');
    }
    session.refuse(
      answer.code === 'account-disabled' ? replyOf('credentials-invalid') : replyOf(answer.code),
    );
  }
}

export const authCommand = {
  name: 'AUTH',
  only: 'smtp',
  help: 'AUTH mechanism [initial-response]',
  run: runAuth,
} as const satisfies SmtpCommand;
