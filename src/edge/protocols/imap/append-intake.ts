/**
 * APPEND: where the message goes is known before its first octet comes, and then it is gathered.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.3.12; RFC 7889 (APPENDLIMIT), RFC 4469 §4.2 (TOOBIG).
 * Limits:    `messageBytesMax`; the room of what is received and not yet journaled.
 * Invariant: room that was reserved is given back once, by the answer or when the session ends.
 */

import { type Appended, imapAsks, type PackedAppend } from '../../../actors/asks/imap-asks.ts';
import type { Cursor } from '../../../mail/wire/imap/cursor.ts';
import {
  type AppendItem,
  nameIsLiteral,
  parseAppendEnd,
  parseAppendStart,
} from '../../../mail/wire/imap/parse-append.ts';
import { writeAppendUid } from '../../../mail/wire/imap/response-status.ts';
import { ownerOf } from './account-asks.ts';
import { answerOf, bad, type CommandEnd, faultAnswer, no, type Tagged } from './answers.ts';
import type { CommandSession } from './command.ts';
import { keywordFault, keywordsTooMany } from './keywords.ts';

export class AppendIntake {
  readonly tag: string;
  readonly #session: CommandSession;
  readonly #mailbox: string;
  readonly #item: AppendItem;
  readonly #chunks: Buffer[] = [];
  #reservedBytes: number;

  private constructor(
    session: CommandSession,
    tag: string,
    mailbox: string,
    item: AppendItem,
    bytes: number,
  ) {
    this.tag = tag;
    this.#session = session;
    this.#mailbox = mailbox;
    this.#item = item;
    this.#reservedBytes = bytes;
  }

  /** At the literal of a message; `name`: it is the mailbox's name, to be gathered. */
  static begin(
    session: CommandSession,
    cursor: Cursor,
    tag: string,
    literal: { readonly literalBytes: number },
  ): AppendIntake | typeof nameIsLiteral | Tagged {
    if (session.account === undefined) return bad('Log in first');
    const start = parseAppendStart(cursor);
    if (start === undefined) return faultAnswer(cursor.faultKind, cursor.fault);
    if (start === nameIsLiteral) return nameIsLiteral;
    const { mailbox, item } = start;
    if (item.isUtf8) return bad('UTF8 is not enabled');
    const fault = keywordFault(item.flags);
    if (fault !== undefined) return fault;
    const { literalBytes } = literal;
    if (literalBytes === 0) return no('An empty message', 'CANNOT');
    if (literalBytes > session.service.policy.limits.messageBytesMax) {
      return answerOf('message-too-large');
    }
    const refusal = session.service.reception.reserve(literalBytes);
    if (refusal !== undefined) return answerOf(refusal.code);
    return new AppendIntake(session, tag, mailbox, item, literalBytes);
  }

  /** Keeps a view. */
  take(octets: Buffer): void {
    this.#chunks.push(octets);
  }

  /** The command's end came. */
  async finish(cursor: Cursor): Promise<CommandEnd> {
    try {
      if (parseAppendEnd(cursor, this.#item)) return await this.#append();
      return faultAnswer(cursor.faultKind, cursor.fault);
    } finally {
      this.drop();
    }
  }

  /** Gives the room back. */
  drop(): void {
    if (this.#reservedBytes === 0) return;
    this.#session.service.reception.release(this.#reservedBytes);
    this.#reservedBytes = 0;
    this.#chunks.length = 0;
  }

  async #append(): Promise<CommandEnd> {
    const session = this.#session;
    const { service } = session;
    const { flags, internalMs = service.clock.nowMs() } = this.#item;
    const id = service.reception.nextId();
    const owner = ownerOf(session.account!);
    const { system, keywords } = flags;
    const meta: PackedAppend = [owner, this.#mailbox, id, system, keywords, internalMs];
    const body = [...this.#chunks];
    const answer = await session.ask(imapAsks.append, meta, { key: id, body });
    if (!answer.ok) {
      if (answer.code === 'not-found') return no('There is no such mailbox', 'TRYCREATE');
      const mayBeFull = keywords.length > 0 && answer.code === 'not-possible-now';
      return mayBeFull ? keywordsTooMany : answerOf(answer.code);
    }
    const { uidValidity, uid } = answer.value as Appended;
    return (writer, tag) => writeAppendUid(writer, tag, uidValidity, [uid, uid], 'APPEND done');
  }
}
