/**
 * AUTH: logs the client in by one of the mechanisms of `guard/sasl.ts`.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4954 §4 (exchange, not in a transaction, once a session), §6 (codes); RFC 8314 §3 (under TLS only).
 */

import { Buffer } from 'node:buffer';
import { encodeReply } from '../../../../mail/wire/smtp/reply.ts';
import { argumentOf } from '../../../../mail/wire/smtp/session-commands.ts';
import type { LogInAnswer } from '../../../guard/log-in.ts';
import { beginSasl, decodeSasl } from '../../../guard/sasl.ts';
import type { SaslExchange, SaslStep } from '../../../guard/sasl-exchange.ts';
import { logInSession } from '../../session/log-in-session.ts';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies, replyOf } from '../replies.ts';

function runAuth(session: CommandSession, line: Buffer, from: number, to: number) {
  if (session.service.logIn === undefined) return session.refuse(replies.notHere);
  if (session.tls === undefined) return session.refuse(replies.authNeedsTls);
  if (session.account !== undefined) return session.refuse(replies.authTwice);
  if (session.transaction.isOpen) return session.refuse(replies.mailTwice);
  const [name = '', initial, ...rest] = argumentOf(line, from, to).split(/ +/);
  const { service, peer, tls } = session;
  const exchange = beginSasl(name, logInSession(service, peer.address, tls));
  if (exchange === undefined) return session.refuse(replies.unknownMechanism);
  if (rest.length > 0) return session.refuse(replies.badSyntax);
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
  if (next instanceof Promise) return next.then((taken) => take(session, exchange, taken));
  take(session, exchange, next);
}

function take(session: CommandSession, exchange: SaslExchange, next: SaslStep) {
  if (session.isEnded) return;
  if (next.kind === 'bad') return session.refuse(replies.badSasl);
  if (next.kind === 'ended') return end(session, next.answer);
  session.reply(encodeReply(`334 ${Buffer.from(next.octets).toString('base64')}`));
  session.beginExchange(exchange);
}

function end(session: CommandSession, answer: LogInAnswer) {
  const { service } = session;
  service.observer.loggedIn(service.name, answer.ok);
  if (answer.ok) {
    session.loggedIn(answer.account, answer.admission);
    session.reply(replies.loggedIn);
  } else if (answer.code === 'rate-exceeded') {
    session.refuse(replies.logInsTooMany);
  } else if (answer.code === 'deadline-passed') {
    session.refuse(replies.logInNotNow);
  } else {
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
