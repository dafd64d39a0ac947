/**
 * Commands of one kind that a client sent in one go, taken together: their changes share one sync.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §5.5: a server may begin a command before the one before it ended, where no result changes.
 * Limits:    `joinedMax` commands.
 */

import type { CommandReader, Reading } from '../../../mail/wire/imap/command-reader.ts';
import { parseCommandStart } from '../../../mail/wire/imap/parse-command.ts';
import type { CommandEnd } from './answers.ts';
import type { CommandSession, Joinable } from './command.ts';
import type { AnyCommand } from './commands/table.ts';

/** A sync costs as much as a hundred of them. */
const joinedMax = 500;

export interface Joined {
  readonly count: number;
  /** What was read behind them and is to have its own turn. */
  readonly reading: Reading | undefined;
  /** Runs them; `end` gets each one's tag and how it ended, in their order. */
  run(end: (tag: string, end: CommandEnd, isLast: boolean) => void): Promise<void>;
}

export function mayJoin(session: CommandSession, command: AnyCommand, argument: unknown): boolean {
  return joinsOf(command)?.mayJoin(session, argument) === true;
}

/** What its own parser read is all it is given. */
function joinsOf(command: AnyCommand): Joinable<unknown> | undefined {
  return command.joins as Joinable<unknown> | undefined;
}

/** The command that was read, and those right behind it that go with it. */
export function joinCommands(
  session: CommandSession,
  reader: CommandReader,
  command: AnyCommand,
  first: { readonly tag: string; readonly argument: unknown },
): Joined {
  const joins = joinsOf(command);
  const tags = [first.tag];
  const commands = [first.argument];
  const last = () => tags.length - 1;
  const run: Joined['run'] = (end) =>
    joins!.run(session, commands, (index, one) => end(tags[index]!, one, index === last()));
  while (commands.length < joinedMax) {
    const reading = reader.next();
    if (reading === 'more') break;
    const next = reading === 'command' ? nextOf(session, reader, command) : undefined;
    if (next === undefined) return { count: tags.length, reading, run };
    tags.push(next.tag);
    commands.push(next.argument);
  }
  return { count: tags.length, reading: undefined, run };
}

/** Undefined: it is another command, or none; its own turn tells. */
function nextOf(
  session: CommandSession,
  { bytes, start, end }: CommandReader,
  command: AnyCommand,
) {
  const { service } = session;
  const cursor = service.cursorAt(bytes, start, end, session);
  const head = parseCommandStart(cursor);
  const argument = head?.name === command.name ? command.parse(cursor) : undefined;
  if (argument === undefined || !mayJoin(session, command, argument)) return undefined;
  cursor.close();
  service.observer.command(service.name, command.name);
  return { tag: head!.tag, argument };
}
