/**
 * BDAT: a counted piece of the message follows.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 3030 §2: a refused chunk's octets are read and dropped before the refusal is sent.
 */

import { parseBdat } from '../../../../mail/wire/smtp/session-commands.ts';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies } from '../replies.ts';

function runBdat(session: CommandSession, line: Buffer, from: number, to: number) {
  const bdat = parseBdat(line, from, to);
  // Without a size nobody can tell where commands go on, so this session cannot.
  if (bdat === undefined) return session.end(replies.badChunkSize);
  const { transaction } = session;
  let refusal: Buffer | undefined;
  if (!transaction.isOpen) refusal = replies.mailFirst;
  else if (transaction.rcptCount === 0) refusal = replies.noRecipients;
  session.beginChunk(bdat.chunkBytes, bdat.isLast, refusal);
}

export const bdatCommand = {
  name: 'BDAT',
  help: 'BDAT size [LAST]',
  run: runBdat,
} as const satisfies SmtpCommand;
