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
import type { Account } from '../../../../ports/account-directory.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok, type Tagged } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { roleOfUse } from '../listing.ts';
import { placeOf } from '../places.ts';
import { reopenRecent } from '../recent.ts';
import type { SelectedMailbox } from '../selected.ts';

type Name = 'delete' | 'rename' | 'subscribe';

async function change(
  session: CommandSession,
  name: Name,
  owner: Account,
  rest: readonly unknown[],
  done: string,
  /** What `not-possible-now` means here. */
  refused: Tagged,
): Promise<Tagged> {
  const key = session.service.reception.nextId();
  const meta = [ownerOf(owner), ...rest];
  const answer = await session.ask(imapAsks[name], meta, { key, to: owner });
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
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('permission-missing');
  const { owner, path } = place;
  // Uses are the owner's to give.
  if (role !== '' && owner.id !== session.account!.id) return noUse;
  const key = session.service.reception.nextId();
  const answer = await session.ask(imapAsks.create, [ownerOf(owner), path, role], {
    key,
    to: owner,
  });
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
  async run(session, mailbox): Promise<CommandEnd> {
    const place = await placeOf(session, mailbox);
    if (place === undefined) return answerOf('not-found');
    // RFC 9051 §6.3.5 lets us refuse: what is below would be orphaned.
    const refused = no('The mailbox has others below it', 'HASCHILDREN');
    const { selected } = session;
    const isSelected = selected?.name === mailbox;
    // Before it is gone, or the session would end with it.
    if (isSelected) session.unselect();
    const end = await change(session, 'delete', place.owner, [place.path], 'DELETE', refused);
    if (isSelected && end.condition !== 'OK') selectAgain(session, selected);
    return end;
  },
} as const satisfies ImapCommand<string>;

/** What was refused leaves the session as it was; what changed meanwhile it hears of. */
function selectAgain(session: CommandSession, selected: SelectedMailbox): void {
  if (session.isEnded) return;
  session.service.notices.watch(selected.owner.id, selected.mailbox, session.news);
  selected.isStale = true;
  session.selected = selected;
  reopenRecent(session, selected);
}

async function rename(session: CommandSession, { from, to }: RenameCommand): Promise<CommandEnd> {
  const [before, after] = [await placeOf(session, from), await placeOf(session, to)];
  if (before === undefined) return answerOf('not-found');
  const { owner } = before;
  if (after?.owner.id !== owner.id) {
    // RFC 4314 §6: of what may not be seen nothing is told, so neither whose it is nor whether the other one is there.
    const seen = await session.ask(imapAsks.myRights, [ownerOf(owner), before.path], { to: owner });
    return seen.ok ? no('Mailboxes stay in their account', 'CANNOT') : answerOf(seen.code);
  }
  return await change(session, 'rename', owner, [before.path, after.path], 'RENAME', tooMany);
}

/** By the name the reader knows it by, in the reader's own account. */
function subscription(session: CommandSession, name: string, isOn: boolean): Promise<CommandEnd> {
  const done = isOn ? 'SUBSCRIBE' : 'UNSUBSCRIBE';
  return change(session, 'subscribe', session.account!, [name, isOn], done, tooMany);
}

export const renameCommand = {
  name: 'RENAME',
  states: loggedInStates,
  changesMailbox: true,
  parse: parseRename,
  run: rename,
} as const satisfies ImapCommand<RenameCommand>;

export const subscribeCommand = {
  name: 'SUBSCRIBE',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: (session, name) => subscription(session, name, true),
} as const satisfies ImapCommand<string>;

export const unsubscribeCommand = {
  name: 'UNSUBSCRIBE',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: (session, name) => subscription(session, name, false),
} as const satisfies ImapCommand<string>;
