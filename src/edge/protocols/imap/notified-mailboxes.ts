/**
 * What a client that asked for events knows of the mailboxes it has not selected, and what it is to be told.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5465 §5 (events), §6 (filters).
 * Invariant: what is known changes only together with what is told. A mailbox belongs to the first group it matches.
 */

import type { ImapList } from '../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../actors/asks/mailbox-asks.ts';
import { separator } from '../../../mail/wire/imap/mailbox-name.ts';
import {
  type EventGroup,
  isOfSelected,
  notifyEvents,
} from '../../../mail/wire/imap/parse-notify.ts';
import type { StatusItem } from '../../../mail/wire/imap/parse-status.ts';
import type { ListedMailbox, StatusValue } from '../../../mail/wire/imap/response-data.ts';
import { pathOf } from './listing.ts';

const { messageNew, messageExpunge, flagChange, mailboxName, subscriptionChange } = notifyEvents;
const messageEvents = messageNew | messageExpunge | flagChange;

interface Known {
  readonly name: string;
  readonly isSubscribed: boolean;
  readonly info: MailboxInfo;
}

/** One untagged response. */
export type NotifiedChange =
  | { readonly kind: 'list'; readonly mailbox: ListedMailbox }
  | { readonly kind: 'status'; readonly name: string; readonly values: readonly StatusValue[] };

export class NotifiedMailboxes {
  readonly #groups: readonly EventGroup[];
  #known: Map<number, Known>;

  constructor(groups: readonly EventGroup[], list: ImapList) {
    this.#groups = groups.filter((group) => !isOfSelected(group));
    this.#known = knownOf(list);
  }

  get count(): number {
    return this.#known.size;
  }

  /** Whether a change of its messages is to be told. */
  isWatched(mailbox: number): boolean {
    const known = this.#known.get(mailbox);
    return known !== undefined && (this.#eventsOf(known) & messageEvents) !== 0;
  }

  /** STATUS of all that are watched for their messages (RFC 5465 §3.1: STATUS). */
  states(selected: number): NotifiedChange[] {
    const states: NotifiedChange[] = [];
    for (const [mailbox, known] of this.#known) {
      const events = this.#eventsOf(known);
      if (mailbox === selected || (events & messageEvents) === 0) continue;
      const items: StatusItem[] = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN'];
      if ((events & flagChange) !== 0) items.push('HIGHESTMODSEQ');
      states.push(statusOf(known, items));
    }
    return states;
  }

  /** One mailbox as it is now. */
  counted(info: MailboxInfo, tellsModseq: boolean): NotifiedChange[] {
    const before = this.#known.get(info.mailbox);
    if (before === undefined) return [];
    const now = { ...before, info };
    const changes = this.#statusChange(before, now, tellsModseq);
    this.#known.set(info.mailbox, now);
    return changes;
  }

  /** All of them as they are now. */
  listed(list: ImapList, selected: number, tellsModseq: boolean): NotifiedChange[] {
    const before = this.#known;
    const now = knownOf(list);
    this.#known = now;
    const changes: NotifiedChange[] = [];
    for (const [mailbox, known] of before) {
      if (!now.has(mailbox)) changes.push(...this.#gone(known));
    }
    for (const [mailbox, known] of now) {
      const old = before.get(mailbox);
      changes.push(...this.#renamed(old, known), ...this.#subscribed(old, known));
      if (old === undefined || mailbox === selected) continue;
      changes.push(...this.#statusChange(old, known, tellsModseq));
    }
    return changes;
  }

  #eventsOf({ name, isSubscribed }: Pick<Known, 'name' | 'isSubscribed'>): number {
    return this.#groups.find((group) => isMatch(group, name, isSubscribed))?.events ?? 0;
  }

  #gone(known: Known): NotifiedChange[] {
    if ((this.#eventsOf(known) & mailboxName) === 0) return [];
    return [{ kind: 'list', mailbox: { name: known.name, attributes: ['\\NonExistent'] } }];
  }

  /** Made, or has another name. */
  #renamed(old: Known | undefined, known: Known): NotifiedChange[] {
    if (old?.name === known.name) return [];
    const events = this.#eventsOf(known) | (old === undefined ? 0 : this.#eventsOf(old));
    if ((events & mailboxName) === 0) return [];
    const oldName = old === undefined ? {} : { oldName: old.name };
    const mailbox = { name: known.name, attributes: this.#attributesOf(known), ...oldName };
    return [{ kind: 'list', mailbox }];
  }

  #subscribed(old: Known | undefined, known: Known): NotifiedChange[] {
    if (old === undefined || old.isSubscribed === known.isSubscribed) return [];
    // Who watches what is subscribed to hears that it is so no more.
    const events = this.#eventsOf(known) | this.#eventsOf(old);
    if ((events & subscriptionChange) === 0) return [];
    return [{ kind: 'list', mailbox: { name: known.name, attributes: this.#attributesOf(known) } }];
  }

  #attributesOf({ name, isSubscribed }: Known): string[] {
    const below = name + separator;
    const isParent = [...this.#known.values()].some((one) => one.name.startsWith(below));
    const attributes = [isParent ? '\\HasChildren' : '\\HasNoChildren'];
    if (isSubscribed) attributes.push('\\Subscribed');
    return attributes;
  }

  #statusChange(old: Known, now: Known, tellsModseq: boolean): NotifiedChange[] {
    const events = this.#eventsOf(now);
    const [was, is] = [old.info, now.info];
    const isOther = was.messages !== is.messages || was.uidNext !== is.uidNext;
    const isNew = isOther && (events & (messageNew | messageExpunge)) !== 0;
    const isFlagged = was.highestModseq !== is.highestModseq && (events & flagChange) !== 0;
    const isSeen = was.unseen !== is.unseen;
    if (!isNew && !(isFlagged && (isSeen || tellsModseq))) return [];
    const items: StatusItem[] = isNew ? ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY'] : ['UIDVALIDITY'];
    if (isNew || isSeen) items.push('UNSEEN');
    if (tellsModseq) items.push('HIGHESTMODSEQ');
    return [statusOf(now, items)];
  }
}

function isMatch(group: EventGroup, name: string, isSubscribed: boolean): boolean {
  switch (group.filter) {
    case 'SUBSCRIBED':
      return isSubscribed;
    case 'SUBTREE':
      return group.mailboxes.some((top) => name === top || name.startsWith(top + separator));
    case 'MAILBOXES':
      return group.mailboxes.includes(name);
    // RFC 5465 §6: INBOXES is as PERSONAL where it is not known what mail is delivered to.
    case 'INBOXES':
    case 'PERSONAL':
      return true;
    default:
      return false;
  }
}

function knownOf({ mailboxes, subscribed }: ImapList): Map<number, Known> {
  const byNumber = new Map(mailboxes.map((info) => [info.mailbox, info]));
  const isSubscribed = new Set(subscribed);
  const known = new Map<number, Known>();
  for (const info of mailboxes) {
    const name = pathOf(info, byNumber);
    known.set(info.mailbox, { name, isSubscribed: isSubscribed.has(name), info });
  }
  return known;
}

function statusOf({ name, info }: Known, items: readonly StatusItem[]): NotifiedChange {
  const values: Partial<Record<StatusItem, number>> = {
    MESSAGES: info.messages,
    UIDNEXT: info.uidNext,
    UIDVALIDITY: info.uidValidity,
    UNSEEN: info.unseen,
    HIGHESTMODSEQ: Math.max(1, info.highestModseq),
  };
  return { kind: 'status', name, values: items.map((item) => [item, values[item]!]) };
}
