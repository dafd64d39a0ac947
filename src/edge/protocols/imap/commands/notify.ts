/**
 * NOTIFY.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5465 §3.1, §5.8 (NOTIFICATIONOVERFLOW), §8 (BADEVENT).
 * Limits:  `namesMax` names of mailboxes in one NOTIFY.
 */

import { type NotifyCommand, parseNotify } from '../../../../mail/wire/imap/parse-notify.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { packItems } from './fetch.ts';

const namesMax = 1_000;
const events = 'MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange';
const overflow = no('Too many mailboxes to watch', 'NOTIFICATIONOVERFLOW');

async function notify(session: CommandSession, command: NotifyCommand): Promise<CommandEnd> {
  const { groups, isUnknown } = command;
  // RFC 5465 §8: with those that are known.
  if (isUnknown) return no('Unknown events', `BADEVENT (${events})`);
  const names = groups.reduce((count, { mailboxes }) => count + mailboxes.length, 0);
  if (names > namesMax) return overflow;
  const packed = groups.map(({ fetch }) => packItems(fetch));
  if (packed.includes(undefined)) return bad('Unknown FETCH item');
  const begun = await session.news.notify(command);
  if (begun === 'overflow') return overflow;
  return begun === 'failed' ? answerOf('store-busy') : ok('NOTIFY done');
}

export const notifyCommand = {
  name: 'NOTIFY',
  states: loggedInStates,
  changesMailbox: true,
  parse: parseNotify,
  run: notify,
} as const satisfies ImapCommand<NotifyCommand>;
