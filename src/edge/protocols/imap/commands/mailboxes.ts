/**
 * CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.3.4-8; RFC 5530 (codes); RFC 6154 §3 (USEATTR).
 */

import { imapAsks, objectIds } from '../../../../actors/asks/imap-asks.ts';
import {
  type CreateCommand,
  parseCreate,
  parseMailboxArgument,
  parseRename,
  type RenameCommand,
} from '../../../../mail/wire/imap/parse-mailbox.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok, type Tagged } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { roleOfUse } from '../listing.ts';

type Name = 'delete' | 'rename' | 'subscribe';

async function change(
  session: CommandSession,
  name: Name,
  rest: readonly unknown[],
  done: string,
  /** What `not-possible-now` means here. */
  refused: Tagged,
): Promise<CommandEnd> {
  const key = session.service.reception.nextId();
  const answer = await session.ask(imapAsks[name], [ownerOf(session.account!), ...rest], { key });
  if (answer.ok) return ok(`${done} done`);
  return answer.code === 'not-possible-now' ? refused : answerOf(answer.code);
}

const tooMany = no('There are too many', 'LIMIT');
const noUse = no('The special use cannot be given, or another mailbox has it', 'USEATTR');

async function create(
  session: CommandSession,
  { mailbox, specialUses }: CreateCommand,
): Promise<CommandEnd> {
  const roles = specialUses.map((use) => roleOfUse(use));
  // RFC 6154 §3: what cannot be given is refused, and with it the mailbox.
  if (roles.length > 1 || roles.includes(undefined)) return noUse;
  const [role = ''] = roles;
  const meta = [ownerOf(session.account!), mailbox, role];
  const key = session.service.reception.nextId();
  const answer = await session.ask(imapAsks.create, meta, { key });
  if (answer.ok) {
    return ok('CREATE done', `MAILBOXID (${objectIds.mailbox(answer.value as number)})`);
  }
  if (role !== '' && answer.code === 'argument-invalid') return noUse;
  return answer.code === 'not-possible-now' ? tooMany : answerOf(answer.code);
}

export const createCommand = {
  name: 'CREATE',
  states: loggedInStates,
  parse: parseCreate,
  run: create,
} as const satisfies ImapCommand<CreateCommand>;

export const deleteCommand = {
  name: 'DELETE',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run(session, mailbox) {
    // RFC 9051 §6.3.5 lets us refuse: what is below would be orphaned.
    const refused = no('The mailbox has others below it', 'HASCHILDREN');
    if (session.selected?.name === mailbox) session.unselect();
    return change(session, 'delete', [mailbox], 'DELETE', refused);
  },
} as const satisfies ImapCommand<string>;

export const renameCommand = {
  name: 'RENAME',
  states: loggedInStates,
  changesMailbox: true,
  parse: parseRename,
  run: (session, { from, to }) => change(session, 'rename', [from, to], 'RENAME', tooMany),
} as const satisfies ImapCommand<RenameCommand>;

export const subscribeCommand = {
  name: 'SUBSCRIBE',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: (session, name) => change(session, 'subscribe', [name, true], 'SUBSCRIBE', tooMany),
} as const satisfies ImapCommand<string>;

export const unsubscribeCommand = {
  name: 'UNSUBSCRIBE',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: (session, name) => change(session, 'subscribe', [name, false], 'UNSUBSCRIBE', tooMany),
} as const satisfies ImapCommand<string>;
