/**
 * What becomes of a literal: a part of its command, or a message that is taken as it comes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §4.3; RFC 7888 (non-synchronising literals).
 * Limits:    literals that are gathered, `literalBytesMax` a command and `earlyLiteralBytesMax` before log-in.
 * Invariant: a literal that is refused is never sent (synchronising), or passed over; with it goes what its command
 *            brought before.
 */

import type { CommandReader } from '../../../mail/wire/imap/command-reader.ts';
import type { Cursor } from '../../../mail/wire/imap/cursor.ts';
import { toBeGathered } from '../../../mail/wire/imap/parse-append.ts';
import { parseCommandStart, tagOf } from '../../../mail/wire/imap/parse-command.ts';
import { faultAnswer, no, type Tagged } from './answers.ts';
import { AppendIntake } from './append-intake.ts';
import type { CommandSession } from './command.ts';

export interface Refused {
  readonly tag: string;
  readonly answer: Tagged;
}

export const literalTooLarge = no('The literal is too large', 'LIMIT');

export class Literals {
  /** The command whose messages are coming. */
  intake: AppendIntake | undefined;

  /** The reader is told what to do with it. Undefined: the client may go on. */
  announced(session: CommandSession, reader: CommandReader, cursor: Cursor): Refused | undefined {
    const refused = this.#decide(session, reader, cursor);
    if (refused === undefined) return undefined;
    reader.refuse();
    this.drop();
    return refused;
  }

  drop(): void {
    this.intake?.drop();
    this.intake = undefined;
  }

  #decide(session: CommandSession, reader: CommandReader, cursor: Cursor): Refused | undefined {
    if (this.intake !== undefined) return this.#message(session, reader, cursor, this.intake);
    const { bytes, start, end } = reader;
    const head = parseCommandStart(cursor);
    if (head === undefined) {
      const answer = faultAnswer(cursor.faultKind, cursor.fault);
      return { tag: tagOf(bytes, start, end), answer };
    }
    const { tag, name } = head;
    if (!AppendIntake.isBegunBy(name)) return gathered(session, reader, tag);
    const intake = AppendIntake.begin(session, tag, name);
    if (intake instanceof AppendIntake) return this.#message(session, reader, cursor, intake);
    return { tag, answer: intake };
  }

  #message(
    session: CommandSession,
    reader: CommandReader,
    cursor: Cursor,
    intake: AppendIntake,
  ): Refused | undefined {
    const { tag, name } = intake;
    const answer = intake.announced(cursor, reader.start, reader.literalBytes);
    // What began with a name that is yet to come begins again with it.
    if (answer === toBeGathered && !intake.isBegun) return gathered(session, reader, tag);
    const { observer, name: listener } = session.service;
    if (this.intake === undefined) observer.command(listener, name);
    this.intake = intake;
    if (answer === toBeGathered) return gathered(session, reader, tag);
    if (answer !== undefined) return { tag, answer };
    reader.stream();
    return undefined;
  }
}

function gathered(
  { account, service }: CommandSession,
  reader: CommandReader,
  tag: string,
): Refused | undefined {
  const { literalBytesMax, earlyLiteralBytesMax } = service.policy.limits;
  const bytesMax = account === undefined ? earlyLiteralBytesMax : literalBytesMax;
  const bytes = reader.gatheredBytes + reader.literalBytes;
  if (bytes > bytesMax) return { tag, answer: literalTooLarge };
  reader.gather();
  return undefined;
}
