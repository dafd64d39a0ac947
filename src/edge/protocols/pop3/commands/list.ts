/**
 * STAT, LIST and UIDL: asked for in windows, as the client reads.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 1939 §5, §7.
 */

import { messagesPerListingMax, pop3Asks } from '../../../../actors/asks/pop3-asks.ts';
import { concat, latin1 } from '../../../../base/bytes.ts';
import type { Result } from '../../../../base/errors.ts';
import { parseNothing, parseNumberOrAll } from '../../../../mail/wire/pop3/parse.ts';
import { isSaid } from '../../session/serial-session.ts';
import type { CommandEnd, CommandSession, Pop3Command } from '../command.ts';
import { ok, replyOf } from '../replies.ts';

/** Octets of all messages, or of those deleted; 512 are asked about at a time. */
async function sizeOf(
  session: CommandSession,
  areDeleted: boolean,
): Promise<Result<{ readonly bytes: number }>> {
  const drop = session.drop!;
  let bytes = 0;
  for (let first = 1; first <= drop.count; first += messagesPerListingMax) {
    const last = Math.min(drop.count, first + messagesPerListingMax - 1);
    const numbers = areDeleted ? drop.numbers(first, last, true) : [first, last];
    if (numbers.length === 0) continue;
    const answer = await session.ask(pop3Asks.size, [drop.packed, numbers]);
    if (!answer.ok) return answer;
    bytes += answer.value as number;
  }
  return { ok: true, bytes };
}

async function count(session: CommandSession): Promise<CommandEnd> {
  const drop = session.drop!;
  for (const [what, areDeleted] of [
    ['bytes', false],
    ['deletedBytes', true],
  ] as const) {
    if (drop[what] >= 0) continue;
    const answer = await sizeOf(session, areDeleted);
    if (!answer.ok) return replyOf(answer.code);
    drop[what] = answer.bytes;
  }
  return stat(session);
}

function stat({ drop }: CommandSession): CommandEnd {
  return ok(`${drop!.count - drop!.deletedCount} ${drop!.bytes - drop!.deletedBytes}`);
}

export const statCommand = {
  name: 'STAT',
  states: ['transaction'],
  parse: parseNothing,
  run(session) {
    const { bytes, deletedBytes } = session.drop!;
    return bytes >= 0 && deletedBytes >= 0 ? stat(session) : count(session);
  },
} as const satisfies Pop3Command<true>;

async function listOne(
  session: CommandSession,
  number: number,
  uidValidity: number,
): Promise<CommandEnd> {
  const drop = session.drop!;
  if (!drop.has(number)) return replyOf('not-found');
  const answer = await session.ask(pop3Asks.list, [drop.packed, uidValidity, [number, number]]);
  if (!answer.ok) return replyOf(answer.code);
  if (answer.body === undefined) return replyOf('not-found');
  session.send(concat([latin1('+OK '), answer.body]));
  return isSaid;
}

/** RFC 1939 §5: deleted messages are not listed. */
async function listAll(session: CommandSession, uidValidity: number): Promise<CommandEnd> {
  const drop = session.drop!;
  let heading = `+OK ${drop.count - drop.deletedCount} messages\r\n`;
  for (let first = 1; first <= drop.count; first += messagesPerListingMax) {
    const last = Math.min(drop.count, first + messagesPerListingMax - 1);
    const numbers = drop.numbers(first, last, false);
    if (numbers.length === 0) continue;
    const answer = await session.ask(pop3Asks.list, [drop.packed, uidValidity, numbers]);
    if (!answer.ok) {
      // Once lines were sent there is no way to say so: the one that ends the list never comes.
      if (heading === '') session.cut();
      return replyOf(answer.code);
    }
    if (heading !== '') session.send(latin1(heading));
    heading = '';
    if (answer.body !== undefined) session.send(answer.body);
    await session.room();
    if (session.isEnded) return isSaid;
  }
  session.send(latin1(`${heading}.\r\n`));
  return isSaid;
}

/** What LIST's lines tell is the size: they have no UIDVALIDITY. */
const ofSizes = 0;

export const listCommand = {
  name: 'LIST',
  states: ['transaction'],
  parse: parseNumberOrAll,
  run: (session, number) =>
    number === 0 ? listAll(session, ofSizes) : listOne(session, number, ofSizes),
} as const satisfies Pop3Command<number>;

/** RFC 1939 §7: UIDVALIDITY and UID are for ever of one message. */
export const uidlCommand = {
  name: 'UIDL',
  states: ['transaction'],
  parse: parseNumberOrAll,
  run(session, number) {
    const { uidValidity } = session.drop!;
    return number === 0 ? listAll(session, uidValidity) : listOne(session, number, uidValidity);
  },
} as const satisfies Pop3Command<number>;
