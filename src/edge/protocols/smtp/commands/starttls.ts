/**
 * STARTTLS: the session goes on under TLS and starts over.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 3207 §4: all that was known of the client is forgotten; what it sent before the handshake is
 *            dropped, or a man in the middle could put commands in front of the client's own.
 */

import type { Buffer } from 'node:buffer';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies } from '../replies.ts';

function runStartTls(session: CommandSession, _line: Buffer, from: number, to: number) {
  if (from !== to) return session.refuse(replies.noArgument);
  if (session.tls !== undefined) return session.refuse(replies.tlsTwice);
  if (!session.canStartTls) return session.refuse(replies.notHere);
  session.startTls();
}

export const starttlsCommand = {
  name: 'STARTTLS',
  help: 'STARTTLS',
  run: runStartTls,
} as const satisfies SmtpCommand;
