/**
 * RETR and TOP: asked for window by window, as the client reads.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 1939 §5, §7.
 */

import { pop3Asks, type Retrieved, type TextCursor } from '../../../../actors/asks/pop3-asks.ts';
import { latin1 } from '../../../../base/bytes.ts';
import { textStart } from '../../../../mail/wire/pop3/message-text.ts';
import { parseNumber, parseTop, type TopArguments } from '../../../../mail/wire/pop3/parse.ts';
import { isSaid } from '../../session/serial-session.ts';
import type { CommandEnd, CommandSession, Pop3Command } from '../command.ts';
import { replyOf } from '../replies.ts';

const allLines = -1;

async function retrieve(
  session: CommandSession,
  number: number,
  bodyLines: number,
): Promise<CommandEnd> {
  const drop = session.drop!;
  if (!drop.has(number)) return replyOf('not-found');
  let cursor: TextCursor = [0, 0, textStart(bodyLines)];
  for (let isFirst = true; ; isFirst = false) {
    const answer = await session.ask(pop3Asks.retrieve, [drop.packed, number, cursor]);
    if (!answer.ok) {
      // Within the text there is no way to say so: the line that ends it never comes.
      if (!isFirst) session.cut();
      return replyOf(answer.code);
    }
    const { size, next } = answer.value as Retrieved;
    if (isFirst) session.send(latin1(`+OK ${size} octets\r\n`));
    if (answer.body !== undefined) session.send(answer.body);
    if (next === undefined) return isSaid;
    cursor = next;
    await session.room();
    if (session.isEnded) return isSaid;
  }
}

export const retrCommand = {
  name: 'RETR',
  states: ['transaction'],
  parse: parseNumber,
  run: (session, number) => retrieve(session, number, allLines),
} as const satisfies Pop3Command<number>;

export const topCommand = {
  name: 'TOP',
  states: ['transaction'],
  parse: parseTop,
  run: (session, { number, lines }) => retrieve(session, number, lines),
} as const satisfies Pop3Command<TopArguments>;
