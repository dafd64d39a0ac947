/**
 * DATA: the message follows, up to a dot alone on a line.
 *
 * Runs in:   edge (main thread); hot.
 * Specs:     RFC 5321 §4.1.1.4; RFC 3030 §2 (not after BDAT), §3 (not for BINARYMIME); RFC 2033 §4.2.
 */

import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies } from '../replies.ts';

function runData(session: CommandSession, _line: Buffer, from: number, to: number) {
  const { transaction } = session;
  if (from !== to) return session.refuse(replies.noArgument);
  if (!transaction.isOpen) return session.refuse(replies.mailFirst);
  if (session.isChunking) return session.refuse(replies.dataAfterBdat);
  if (transaction.rcptCount === 0) return session.refuse(replies.noRecipients);
  if (transaction.mail!.body === 'binarymime') return session.refuse(replies.binaryNeedsBdat);
  session.reply(replies.startData);
  session.beginData();
}

export const dataCommand = {
  name: 'DATA',
  help: 'DATA',
  run: runData,
} as const satisfies SmtpCommand;
