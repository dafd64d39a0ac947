/**
 * XCLIENT: a trusted proxy tells whom it speaks for.
 *
 * Runs in:   edge (main thread).
 * Specs:     Postfix's XCLIENT_README (there is no RFC): attributes, xtext values, 220 and a fresh session.
 */

import type { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { argumentOf } from '../../../../mail/wire/smtp/session-commands.ts';
import { decodeXtext } from '../../../../mail/wire/smtp/xtext.ts';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies } from '../replies.ts';

function runXclient(session: CommandSession, line: Buffer, from: number, to: number) {
  if (!session.canXclient) return session.refuse(replies.peerNotAllowed);
  if (session.transaction.isOpen) return session.refuse(replies.mailTwice);
  const attributes = parseAttributes(argumentOf(line, from, to));
  if (attributes === undefined) return session.refuse(replies.badSyntax);
  const address = attributes.get('ADDR');
  const port = attributes.get('PORT');
  if (address !== undefined) session.peer.address = address;
  if (port !== undefined) session.peer.port = Number(port);
  session.restart();
}

const known = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO'];
const unavailable = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i;

/** Undefined when an attribute is unknown or its value is bad; unavailable ones are left out. */
function parseAttributes(text: string): Map<string, string> | undefined {
  const attributes = new Map<string, string>();
  for (const word of text.split(' ')) {
    const split = word.indexOf('=');
    const name = word.slice(0, split).toUpperCase();
    const raw = decodeXtext(word.slice(split + 1));
    if (split < 1 || raw === undefined || !known.includes(name)) return undefined;
    if (raw === '' || unavailable.test(raw)) continue;
    const value = name === 'ADDR' ? raw.replace(/^ipv6:/i, '') : raw;
    if (name === 'ADDR' && isIP(value) === 0) return undefined;
    if (name === 'PORT' && !(/^\d{1,5}$/.test(value) && Number(value) <= 65_535)) return undefined;
    attributes.set(name, value);
  }
  return attributes;
}

export const xclientCommand = {
  name: 'XCLIENT',
  isEarly: true,
  help: 'XCLIENT attributes',
  run: runXclient,
} as const satisfies SmtpCommand;
