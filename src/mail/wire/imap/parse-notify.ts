/**
 * Reads NOTIFY: of which mailboxes a client wants to hear what.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5465 §3.1, §5, §6 (filters), §8 (grammar).
 * Limits:    `listItemsMax` groups, names and events of one list.
 * Invariant: MessageNew and MessageExpunge come together, and with FlagChange both (§5); one group at most is of the
 *            selected mailbox.
 */

import { type Cursor, fail } from './cursor.ts';
import { listItemsMax } from './limits.ts';
import { parenClose, parenOpen, space } from './octets.ts';
import { type FetchItem, parseFetchItems } from './parse-fetch.ts';
import { parseMailbox } from './parse-mailbox.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseList,
  parseName,
  takeOctet,
  takeWord,
} from './parse-strings.ts';

/** Bits of `EventGroup.events`. */
export const notifyEvents = {
  messageNew: 1,
  messageExpunge: 2,
  flagChange: 4,
  mailboxName: 8,
  subscriptionChange: 16,
} as const;

const eventBits: ReadonlyMap<string, number> = new Map([
  ['MESSAGENEW', notifyEvents.messageNew],
  ['MESSAGEEXPUNGE', notifyEvents.messageExpunge],
  ['FLAGCHANGE', notifyEvents.flagChange],
  ['MAILBOXNAME', notifyEvents.mailboxName],
  ['SUBSCRIPTIONCHANGE', notifyEvents.subscriptionChange],
]);

const messageEvents = notifyEvents.messageNew | notifyEvents.messageExpunge;

const filters = [
  'SELECTED',
  'SELECTED-DELAYED',
  'INBOXES',
  'PERSONAL',
  'SUBSCRIBED',
  'SUBTREE',
  'MAILBOXES',
] as const;
export type NotifyFilter = (typeof filters)[number];

export interface EventGroup {
  readonly filter: NotifyFilter;
  /** Of SUBTREE and MAILBOXES. */
  readonly mailboxes: readonly string[];
  /** 0: nothing of these. */
  readonly events: number;
  /** What is told of each new message of the selected mailbox. */
  readonly fetch: readonly FetchItem[];
}

export interface NotifyCommand {
  /** Empty: nothing of any (NOTIFY NONE). */
  readonly groups: readonly EventGroup[];
  /** STATUS of all that is watched comes first. */
  readonly isStatus: boolean;
  /** Events that are asked for and not known here: NO [BADEVENT …]. */
  readonly isUnknown: boolean;
}

interface Events {
  mask: number;
  fetch: readonly FetchItem[];
  isUnknown: boolean;
}

export function parseNotify(cursor: Cursor): NotifyCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  if (takeWord(cursor, 'NONE')) {
    return expectEnd(cursor) ? { groups: [], isStatus: false, isUnknown: false } : undefined;
  }
  if (!takeWord(cursor, 'SET')) return fail(cursor, 'NOTIFY takes SET or NONE');
  if (!expectSpace(cursor)) return undefined;
  const isStatus = takeWord(cursor, 'STATUS');
  if (isStatus && !expectSpace(cursor)) return undefined;
  const groups: EventGroup[] = [];
  let isUnknown = false;
  do {
    const group = parseGroup(cursor);
    if (group === undefined) return undefined;
    isUnknown ||= group.isUnknown;
    if (groups.push(group) > listItemsMax) return fail(cursor, 'Too many groups', 'limit');
  } while (takeOctet(cursor, space));
  if (groups.filter(isOfSelected).length > 1) return fail(cursor, 'SELECTED stands twice');
  return expectEnd(cursor) ? { groups, isStatus, isUnknown } : undefined;
}

export function isOfSelected({ filter }: Pick<EventGroup, 'filter'>): boolean {
  return filter === 'SELECTED' || filter === 'SELECTED-DELAYED';
}

function parseGroup(cursor: Cursor): (EventGroup & { readonly isUnknown: boolean }) | undefined {
  if (!expectOctet(cursor, parenOpen, 'A group is missing')) return undefined;
  const name = parseName(cursor, 'A filter of mailboxes');
  if (name === undefined) return undefined;
  const filter = filters.find((one) => one === name);
  if (filter === undefined) return fail(cursor, 'Unknown filter of mailboxes');
  let mailboxes: readonly string[] = [];
  if (filter === 'SUBTREE' || filter === 'MAILBOXES') {
    const named = expectSpace(cursor) ? parseMailboxes(cursor) : undefined;
    if (named === undefined) return undefined;
    mailboxes = named;
  }
  if (!expectSpace(cursor)) return undefined;
  const events = parseEvents(cursor, isOfSelected({ filter }));
  if (events === undefined) return undefined;
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  const { mask, fetch, isUnknown } = events;
  return { filter, mailboxes, events: mask, fetch, isUnknown };
}

/** One name, or a list of them. */
export function parseMailboxes(cursor: Cursor): readonly string[] | undefined {
  if (cursor.peek() === parenOpen) return parseList(cursor, parseMailbox);
  const name = parseMailbox(cursor);
  return name === undefined ? undefined : [name];
}

function parseEvents(cursor: Cursor, isSelected: boolean): Events | undefined {
  const events: Events = { mask: 0, fetch: [], isUnknown: false };
  if (takeWord(cursor, 'NONE')) return events;
  if (!expectOctet(cursor, parenOpen, 'Events are missing')) return undefined;
  let count = 0;
  do {
    const name = parseName(cursor, 'An event');
    if (name === undefined) return undefined;
    const bit = eventBits.get(name);
    if (bit === undefined) events.isUnknown = true;
    else events.mask |= bit;
    if (++count > listItemsMax) return fail(cursor, 'Too many events', 'limit');
    if (bit !== notifyEvents.messageNew || cursor.peekSecond() !== parenOpen) continue;
    if (!isSelected) return fail(cursor, 'Items stand with the selected mailbox only');
    cursor.at++;
    const items = parseFetchItems(cursor);
    if (items === undefined) return undefined;
    events.fetch = items;
  } while (takeOctet(cursor, space));
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  const { mask } = events;
  const needsMessages = (mask & (messageEvents | notifyEvents.flagChange)) !== 0;
  if (needsMessages && (mask & messageEvents) !== messageEvents) {
    return fail(cursor, 'MessageNew and MessageExpunge come together');
  }
  const isOfMailboxes = (mask & (notifyEvents.mailboxName | notifyEvents.subscriptionChange)) !== 0;
  if (isSelected && isOfMailboxes) return fail(cursor, 'Events of messages only stand there');
  return events;
}
