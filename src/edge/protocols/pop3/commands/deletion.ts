/**
 * DELE, RSET and QUIT: what is deleted, and when it is.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 1939 §5-6; RFC 3206 §4 (SYS/TEMP).
 */

import { pop3Asks } from '../../../../actors/asks/pop3-asks.ts';
import { parseNothing, parseNumber } from '../../../../mail/wire/pop3/parse.ts';
import { anyState, type CommandEnd, type CommandSession, type Pop3Command } from '../command.ts';
import { no, ok, replyOf } from '../replies.ts';

export const deleCommand = {
  name: 'DELE',
  states: ['transaction'],
  parse: parseNumber,
  run({ drop }, number) {
    if (!drop!.has(number)) return replyOf('not-found');
    drop!.delete(number);
    return ok('Deleted with QUIT');
  },
} as const satisfies Pop3Command<number>;

export const rsetCommand = {
  name: 'RSET',
  states: ['transaction'],
  parse: parseNothing,
  run({ drop }) {
    drop!.reset();
    return ok('Nothing is deleted');
  },
} as const satisfies Pop3Command<true>;

/** RFC 1939 §6: +OK says that all deleted messages are gone, and that is on disk. */
async function update(session: CommandSession, numbers: Uint8Array): Promise<CommandEnd> {
  const { packed, deletedCount } = session.drop!;
  const meta = [packed, session.account!.tenant];
  const options = { class: 'long', body: [numbers] } as const;
  const answer = await session.ask(pop3Asks.remove, meta, options);
  session.end();
  return answer.ok
    ? ok(`Bye: ${deletedCount} messages deleted`)
    : no('Some deleted messages were not removed', 'SYS/TEMP');
}

export const quitCommand = {
  name: 'QUIT',
  states: anyState,
  parse: parseNothing,
  run(session) {
    const numbers = session.drop?.deleted;
    if (numbers !== undefined) return update(session, numbers);
    session.end();
    return ok('Bye');
  },
} as const satisfies Pop3Command<true>;
