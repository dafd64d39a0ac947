/**
 * RSET, NOOP, QUIT, VRFY, EXPN and HELP: commands about the session alone.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §4.1.1.5-10, §3.5.3 (252 for VRFY: addresses are not told).
 */

import type { Buffer } from 'node:buffer';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies } from '../replies.ts';

export const rsetCommand = {
  name: 'RSET',
  isEarly: true,
  help: 'RSET',
  run: (session: CommandSession, _line: Buffer, from: number, to: number) => {
    if (from !== to) return session.refuse(replies.noArgument);
    session.resetTransaction();
    session.reply(replies.ok);
  },
} as const satisfies SmtpCommand;

export const noopCommand = {
  name: 'NOOP',
  isEarly: true,
  help: 'NOOP [anything]',
  run: (session: CommandSession): void => session.reply(replies.ok),
} as const satisfies SmtpCommand;

export const quitCommand = {
  name: 'QUIT',
  isEarly: true,
  help: 'QUIT',
  run: (session: CommandSession): void => session.quit(),
} as const satisfies SmtpCommand;

export const vrfyCommand = {
  name: 'VRFY',
  help: 'VRFY address',
  run: (session: CommandSession, _line: Buffer, from: number, to: number) => {
    if (from === to) return session.refuse(replies.badSyntax);
    session.reply(replies.cannotVerify);
  },
} as const satisfies SmtpCommand;

export const expnCommand = {
  name: 'EXPN',
  help: 'EXPN list (not told)',
  run: (session: CommandSession): void => session.refuse(replies.notHere),
} as const satisfies SmtpCommand;

export const helpCommand = {
  name: 'HELP',
  isEarly: true,
  help: 'HELP',
  run: (session: CommandSession): void => session.reply(session.service.help),
} as const satisfies SmtpCommand;
