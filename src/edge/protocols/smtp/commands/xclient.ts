/**
 * XCLIENT: a trusted proxy tells whom it speaks for.
 *
 * Runs in:   edge (main thread).
 * Specs:     Postfix's XCLIENT_README (there is no RFC): attributes, xtext values, 220 and a fresh session.
 * Invariant: a client that the proxy cannot name is nobody: the proxy's own address never stands for it.
 */

import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { argumentOf, parseGreetingName } from '../../../../mail/wire/smtp/session-commands.ts';
import { decodeXtext } from '../../../../mail/wire/smtp/xtext.ts';
import { type Account, mayLogIn } from '../../../../ports/account-directory.ts';
import type { CommandSession, GreetingVerb, SmtpCommand } from '../command.ts';
import { replies, replyOf } from '../replies.ts';
import { xclientAttributes } from '../service.ts';
import { askConnect, askStage } from '../stages.ts';

const known = [...xclientAttributes.split(' '), 'LOGIN'];

/** In no network: an address that is not known has no rights. */
const unknownAddress = '0.0.0.0';

type Attributes = ReadonlyMap<string, string>;

function runXclient(session: CommandSession, line: Buffer, from: number, to: number) {
  if (!session.canXclient) return session.refuse(replies.peerNotAllowed);
  if (session.transaction.isOpen) return session.refuse(replies.mailTwice);
  const attributes = parseAttributes(argumentOf(line, from, to));
  if (attributes === undefined) return session.refuse(replies.badSyntax);
  const login = attributes.get('LOGIN') ?? '';
  if (login === '') return become(session, attributes, undefined);
  if (session.service.logIn === undefined) return session.refuse(replies.badParameter);
  const found = session.service.directory.accountByAddress(login);
  if (found instanceof Promise) return found.then((account) => logIn(session, attributes, account));
  return logIn(session, attributes, found);
}

/** The proxy has checked the password; whether the account may still send is ours to know. */
function logIn(
  session: CommandSession,
  attributes: Attributes,
  account: Account | undefined,
): void | Promise<void> {
  if (session.isEnded) return;
  const isGood = account !== undefined && mayLogIn(account);
  session.service.observer.loggedIn(session.service.name, isGood);
  if (isGood) return become(session, attributes, account);
  session.refuse(replyOf('credentials-invalid'));
}

function become(
  session: CommandSession,
  attributes: Attributes,
  account: Account | undefined,
): void | Promise<void> {
  const { peer, service } = session;
  const proxy = peer.address;
  const address = attributes.get('ADDR');
  const port = attributes.get('PORT');
  if (address !== undefined) peer.address = address === '' ? unknownAddress : address;
  if (port !== undefined) peer.port = Number(port);
  service.log.debug({ proxy, ...Object.fromEntries(attributes) }, 'XCLIENT');
  session.restart();
  if (account !== undefined) session.loggedIn(account, { kind: 'other' });
  const verb = verbOf(session, attributes.get('PROTO'));
  const helo = attributes.get('HELO') ?? '';
  const asked = askConnect(session);
  if (asked === undefined) return greet(session, helo, verb);
  return asked.then((refusal) => {
    if (session.isEnded) return;
    if (refusal !== undefined) return session.end(refusal);
    return greet(session, helo, verb);
  });
}

/** What the proxy was told for HELO is asked about as if the client had said it here. */
function greet(session: CommandSession, helo: string, verb: GreetingVerb): void | Promise<void> {
  session.heloName = helo;
  const asked = helo === '' ? undefined : askStage(session, 'helo');
  const answer = () => {
    if (helo !== '') session.greetingVerb = verb;
    session.reply(session.service.banner);
  };
  if (asked === undefined) return answer();
  return asked.then((goesOn) => {
    if (goesOn) answer();
  });
}

function verbOf({ service }: CommandSession, protocol: string | undefined): GreetingVerb {
  if (service.dialect === 'lmtp') return 'LHLO';
  return protocol === 'SMTP' ? 'HELO' : 'EHLO';
}

/** Undefined when an attribute is unknown or its value is bad; one that is not available is "". */
function parseAttributes(text: string): Attributes | undefined {
  const attributes = new Map<string, string>();
  for (const word of text.split(' ')) {
    const split = word.indexOf('=');
    const name = word.slice(0, split).toUpperCase();
    const raw = decodeXtext(word.slice(split + 1));
    if (split < 1 || raw === undefined || !known.includes(name)) return undefined;
    // Octets over 127 came as xtext.
    const value = attributeValue(name, Buffer.from(raw, 'latin1'));
    if (value === undefined) return undefined;
    attributes.set(name, value);
  }
  return attributes;
}

const unavailable = /^(?:\[(?:UNAVAILABLE|TEMPUNAVAIL)\])?$/i;

function attributeValue(name: string, raw: Buffer): string | undefined {
  const text = raw.toString('utf8');
  if (unavailable.test(text)) return '';
  switch (name) {
    case 'ADDR':
    case 'DESTADDR': {
      const address = text.replace(/^ipv6:/i, '');
      return isIP(address) === 0 ? undefined : address;
    }
    case 'PORT':
    case 'DESTPORT':
      return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? text : undefined;
    case 'PROTO':
      return /^E?SMTP$/i.test(text) ? text.toUpperCase() : undefined;
    default:
      // A name goes into the log and into Received: what EHLO may not say, a proxy may not say for it.
      return parseGreetingName(raw, 0, raw.length);
  }
}

export const xclientCommand = {
  name: 'XCLIENT',
  isEarly: true,
  help: 'XCLIENT attributes',
  run: runXclient,
} as const satisfies SmtpCommand;
